"""`python -m ops shell`: where its kubectl and docker lead, and that nothing of it stays."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.support.processes import runs
from tests.support.programs import program
from tests.support.project import ROOT, Run, run

UIDS = {"kube-system": "1", "blog": "2"}
CLUSTER = {"name": "production", "server": "https://k8s:6443", "uid": "1", "namespaceUid": "2"}
APP = {"namespace": "blog", "service": "web", "image": "blog:1"}
KUBECONFIG = {
    "kind": "Config",
    "current-context": "admin@k8s",
    "clusters": [{"name": "k8s", "cluster": {"server": "https://k8s:6443"}}],
    "users": [{"name": "admin", "user": {"token": "canary"}}],
    "contexts": [{"name": "admin@k8s", "context": {"cluster": "k8s", "user": "admin"}}],
}


def shell(folder: Path, outputs: dict[str, Any], *command: str, **environment: str) -> Run:
    """Runs the command on a stack with these outputs, with stand-ins for pulumi and kubectl."""
    state = {"deployment": {"resources": [{"type": "pulumi:pulumi:Stack", "outputs": outputs}]}}
    (folder / "state.json").write_text(json.dumps(state))
    (folder / "kubeconfig.json").write_text(json.dumps(KUBECONFIG))
    program(folder, "pulumi", f"cat {folder}/state.json")
    uids = " ".join(f"{name}) echo -n {uid};;" for name, uid in UIDS.items())
    program(
        folder, "kubectl", f'case "$1" in config) cat {folder}/kubeconfig.json;; get) case "$3" in {uids} esac;; esac'
    )
    variables = os.environ | {"PATH": f"{folder}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)} | environment
    variables |= {"XDG_RUNTIME_DIR": str(folder)}
    return run(sys.executable, "-m", "ops", "shell", "prod", *command, cwd=folder, env=variables)


def test_a_command_gets_the_users_own_kubeconfig_with_the_namespace_of_the_stack(tmp_path: Path) -> None:
    done = shell(
        tmp_path,
        {"cluster": CLUSTER, "app": APP},
        "--",
        "sh",
        "-c",
        'cat "$KUBECONFIG"; echo; stat -c %a "$KUBECONFIG"',
    )
    assert done.code == 0, done.text
    text, _, mode = done.stdout.strip().rpartition("\n")
    config = json.loads(text)
    (context,) = config["contexts"]
    assert context == {"name": "prod", "context": {"cluster": "k8s", "user": "admin", "namespace": "blog"}}
    assert (config["current-context"], mode) == ("prod", "600")
    assert not list(tmp_path.glob("gitlab-deploy-*"))


def test_the_exit_code_is_that_of_the_command(tmp_path: Path) -> None:
    outputs = {"cluster": CLUSTER, "app": APP}
    assert shell(tmp_path, outputs, "--", "sh", "-c", "exit 3").code == 3
    assert shell(tmp_path, outputs, "--", "sh", "-c", "kill -9 $$").code == 137
    missing = shell(tmp_path, outputs, "--", "no-such-program")
    assert missing.code == 127
    assert "error: no-such-program cannot be run (No such file or directory)" in missing.stderr


def test_without_a_command_the_users_shell_starts_and_says_where_it_acts(tmp_path: Path) -> None:
    program(tmp_path, "myshell", 'echo "in $GITLAB_DEPLOY_STACK"')
    done = shell(tmp_path, {"cluster": CLUSTER, "app": APP}, SHELL=str(tmp_path / "myshell"))
    assert done.stdout.splitlines() == [
        "stack prod: kubectl acts in namespace blog of cluster production; 'exit' ends this shell",
        "in prod",
    ]


def test_a_kubeconfig_of_another_cluster_is_refused(tmp_path: Path) -> None:
    for other in ({"uid": "9"}, {"namespaceUid": "9"}):
        done = shell(tmp_path, {"cluster": CLUSTER | other, "app": APP}, "--", "true")
        assert done.code == 2
        assert "leads to https://k8s:6443, and the stack was put up on another cluster, 'production'" in done.stderr
        assert "canary" not in done.text


def test_a_stack_that_has_deployed_nothing_is_one_sentence(tmp_path: Path) -> None:
    done = shell(tmp_path, {}, "--", "true")
    assert (done.code, done.stderr) == (
        2,
        "error: Stack prod has deployed to no cluster and no Docker host; run 'pulumi up' first\n",
    )


def test_a_shell_that_is_terminated_leaves_no_folder(tmp_path: Path) -> None:
    shell(tmp_path, {"cluster": CLUSTER, "app": APP}, "--", "true")
    variables = os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    waits = [sys.executable, "-m", "ops", "shell", "prod", "--", "sh", "-c", "echo there; exec sleep 600"]
    process = subprocess.Popen(
        waits, cwd=tmp_path, env=variables | {"XDG_RUNTIME_DIR": str(tmp_path)}, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    assert process.stdout.readline() == "there\n"
    assert list(tmp_path.glob("gitlab-deploy-*"))
    process.terminate()
    assert process.wait() == 128 + 15
    assert not list(tmp_path.glob("gitlab-deploy-*"))


def test_another_address_whose_cluster_cannot_be_seen_is_refused(tmp_path: Path) -> None:
    elsewhere = CLUSTER | {"server": "https://other:6443", "uid": None, "namespaceUid": None}
    done = shell(tmp_path, {"cluster": elsewhere, "app": APP}, "--", "true")
    assert done.code != 0
    assert "was put up on another cluster, 'production' at https://other:6443" in done.text
    same = CLUSTER | {"uid": None, "namespaceUid": None}
    assert shell(tmp_path, {"cluster": same, "app": APP}, "--", "true").code == 0


def test_a_signal_that_comes_while_the_shell_is_being_started_ends_it(tmp_path: Path) -> None:
    code = (
        "import os, signal, subprocess, sys\nfrom ops import ending\nfrom ops.commands import shell\n"
        "real = subprocess.Popen\n"
        "def start(*arguments, **options):\n"
        "    started = real(*arguments, **options)\n"
        "    open(sys.argv[1], 'w').write(str(started.pid))\n"
        "    os.kill(os.getpid(), signal.SIGTERM)\n"
        "    return started\n"
        "subprocess.Popen = start; signal.signal(signal.SIGTERM, ending.leave)\n"
        "sys.exit(shell._run(['sleep', '60'], os.environ))"
    )
    # No pipe, which what is left behind would hold open.
    ended_with = subprocess.call([sys.executable, "-c", code, tmp_path / "pid"], cwd=ROOT, stdout=subprocess.DEVNULL)
    assert ended_with == 143
    assert not runs(int((tmp_path / "pid").read_text()))


def test_a_shell_that_ignores_the_signal_to_end_leaves_no_folder(tmp_path: Path) -> None:
    code = (
        "import os, sys; from ops import ending; from ops.commands import shell; ending.leave_when_ended(); "
        "open(sys.argv[1], 'w').close(); "
        "sys.exit(shell._run(['bash', '-c', 'trap : TERM; kill -TERM $PPID; while :; do sleep 0.1; done'], os.environ))"
    )
    done = run(sys.executable, "-c", code, str(tmp_path / "begun"), cwd=ROOT, env=dict(os.environ))
    assert done.code == 143, done.text
