"""A whole sandbox: comes up, comes up again with nothing to do, heals, runs beside others, and leaves nothing."""

import base64
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

import pytest

from sandbox.example.oci import make_image, make_layer, program, push
from sandbox.hosts import pki
from sandbox.instance import Instance
from sandbox.machine import cgroups, claim
from sandbox.machine.network import connected
from sandbox.machine.process import Process, members, wait
from sandbox.machine.state import State
from sandbox.sandbox_error import SandboxError
from tests.sandbox.machine.machine import Machine

SERVICES = {
    "docker/dockerd",
    "docker/sshd",
    "docker/traefik",
    "gitlab/gitlab",
    "gitlab/registry",
    "node/containerd",
    "node/etcd",
    "node/kube-apiserver",
    "node/kube-controller-manager",
    "node/kube-proxy",
    "node/kube-scheduler",
    "node/kubelet",
}


def processes(instance: Instance) -> dict[str, Process | None]:
    return State(instance.folder / "state.json").recorded()


def kubectl(instance: Instance, *arguments: str, stdin: object = None) -> str:
    command = [f"{instance.folder}/bin/kubectl", "--kubeconfig", str(instance.kubeconfig), *arguments]
    fed = json.dumps(stdin) if stdin else None
    done = subprocess.run(command, input=fed, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def get(url: str, headers: dict[str, str] | None = None) -> bytes:
    body: bytes = build_opener(ProxyHandler({})).open(Request(url, headers=headers or {}), timeout=5).read()  # noqa: S310
    return body


def says_hello(url: str) -> bool:
    try:
        return get(url) == b"hello from a pod"
    except OSError:
        return False


@pytest.fixture(scope="module")
def address(instance: Instance) -> str:
    """Of a Service with one pod, of an image made here and pulled from the registry."""
    web = make_layer(program(Path("/usr/bin/caddy"), "caddy"))
    image = make_image([web], entrypoint=["/caddy", "respond", "--listen", ":8080", "hello from a pod"])
    credentials = instance.gitlab.credentials
    digest = push(image, instance.gitlab.registry, "group/blog/web", "1", credentials)
    container = {"name": "web", "image": f"registry.sandbox.test/group/blog/web@{digest}"}
    auth = base64.b64encode(":".join(credentials).encode()).decode()
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "registry"},
        "type": "kubernetes.io/dockerconfigjson",
        "stringData": {".dockerconfigjson": json.dumps({"auths": {"registry.sandbox.test": {"auth": auth}}})},
    }
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "web", "labels": {"app": "web"}},
        "spec": {
            "containers": [container],
            "imagePullSecrets": [{"name": "registry"}],
            "terminationGracePeriodSeconds": 0,
        },
    }
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web"},
        "spec": {"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": 8080}]},
    }
    for manifest in (secret, pod, service):
        kubectl(instance, "apply", "-f", "-", stdin=manifest)
    kubectl(instance, "wait", "--for=condition=Ready", "pod/web", "--timeout=60s")
    return kubectl(instance, "get", "service", "web", "-o", "jsonpath={.spec.clusterIP}")


def test_up_starts_every_service_and_the_machine_is_not_touched(before: Machine, instance: Instance) -> None:
    running = processes(instance)
    assert set(running) == {"docker", "gitlab", "lan", "node", *SERVICES}
    assert all(running.values())
    assert kubectl(instance, "get", "nodes", "-o", "jsonpath={.items[*].status.nodeInfo.kubeletVersion}") == "v1.35.4"
    assert kubectl(instance, "config", "current-context").strip() == "sandbox"
    index = instance.network.index
    assert Path(f"/run/gitlab-deploy-{index}").readlink() == instance.folder
    assert Machine.now() == before


def test_up_again_does_nothing_twice(instance: Instance, capsys: pytest.CaptureFixture[str]) -> None:
    before, token = processes(instance), instance.gitlab.token.read_text()
    begun = time.monotonic()
    instance.up()
    assert time.monotonic() - begun < 5
    assert processes(instance) == before
    assert instance.gitlab.token.read_text() == token
    assert "starts" not in capsys.readouterr().out


def test_a_pod_runs_an_image_of_the_registry_and_its_service_answers_the_machine(
    instance: Instance, address: str
) -> None:
    assert address in {str(host) for host in instance.network.services.hosts()}
    assert wait(lambda: says_hello(f"http://{address}/"), 30)


def test_pods_are_in_the_sandboxs_own_control_groups(instance: Instance, address: str) -> None:
    assert address
    for cgroup in cgroups.left(instance.network.cgroup):
        assert [*cgroup.glob("kubepods*/**/pod*")], cgroup


def test_gitlab_knows_the_token_and_refuses_another(instance: Instance) -> None:
    environment = instance.environment()
    url = f"{environment['GITLAB_BASE_URL']}projects/group%2Fblog"
    assert json.loads(get(url, {"PRIVATE-TOKEN": environment["GITLAB_TOKEN"]}))["path_with_namespace"] == "group/blog"
    with pytest.raises(HTTPError, match="401"):
        get(url, {"PRIVATE-TOKEN": "glpat-other"})


def test_neither_output_nor_log_nor_arguments_show_a_secret(instance: Instance) -> None:
    token = instance.gitlab.token.read_text().strip()
    key = pki.pair(instance.folder / "node" / "pki", "admin").key.read_text().splitlines()[1]
    sandbox = [sys.executable, "-m", "sandbox", "--name", instance.name]
    shown = [
        subprocess.run([*sandbox, command], capture_output=True, text=True, check=True)
        for command in ("up", "status", "env")
    ]
    texts = {f"output of {' '.join(done.args[3:])}": done.stdout + done.stderr for done in shown}
    texts |= {str(log): log.read_text(errors="replace") for log in (instance.folder / "log").iterdir()}
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            texts[str(path)] = path.read_text(errors="replace")
        except OSError:
            continue
    leaks = [place for place, text in texts.items() if token in text or key in text]
    assert leaks == []


def test_only_its_owner_reads_the_files_of_a_sandbox(instance: Instance) -> None:
    assert instance.folder.stat().st_mode & 0o777 == 0o700
    secret = [instance.kubeconfig, instance.gitlab.token, *(instance.folder / "node" / "pki").glob("*.key")]
    secret.append(instance.docker.certificate.server)
    assert {path.name: oct(path.stat().st_mode & 0o777) for path in secret if path.stat().st_mode & 0o077} == {}


def test_the_programs_of_its_shell_run(instance: Instance) -> None:
    def say(*command: str) -> str:
        return subprocess.run(
            command,
            env={**instance.environment(), "HOME": str(instance.folder)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    assert say("pulumi", "version").startswith("v3.")
    assert "v1.35" in say("kubectl", "version")
    plugins = json.loads(say("pulumi", "plugin", "ls", "--json"))
    assert {plugin["name"]: plugin["version"] for plugin in plugins} == {
        "docker": "5.2.0",
        "gitlab": "10.4.0",
        "kubernetes": "4.25.0",
    }
    assert "traefik" in say("docker", "network", "ls")


@pytest.mark.parametrize("killed", ["gitlab/gitlab", "node/etcd", "node/containerd", "node/kube-proxy", "node/kubelet"])
def test_a_service_that_died_comes_back(instance: Instance, killed: str) -> None:
    before = processes(instance)
    victim = before[killed]
    assert victim
    os.kill(victim.pid, signal.SIGKILL)
    assert wait(lambda: not victim.alive, 10)
    instance.up()
    after = processes(instance)
    assert all(after.values())
    assert {key for key in after if after[key] != before[key]} == {killed}


def test_a_node_that_lost_its_power_comes_back_with_its_pods(instance: Instance, address: str) -> None:
    node = processes(instance)["node"]
    assert node
    node.kill()
    instance.up()
    assert wait(lambda: says_hello(f"http://{address}/"), 90)


def test_two_sandboxes_run_side_by_side_and_leave_nothing(instance: Instance) -> None:
    before = Machine.now()
    other = Instance(f"test-other-{os.getpid()}")
    try:
        other.up()
        assert other.network.index != instance.network.index
        network, hosts = other.network, [host for host in processes(other).values() if host]
        assert kubectl(other, "get", "nodes", "-o", "name").strip() == "node/node"
        assert kubectl(other, "get", "pods", "--all-namespaces", "-o", "name") == ""
        namespaces = [host.namespaces() for host in hosts]
    finally:
        other.down()
    assert not any(host.alive for host in hosts)
    assert [members(namespace) for namespace in namespaces] == [[] for _ in namespaces]
    assert not connected(network)
    assert cgroups.left(network.cgroup) == []
    assert claim.held(other.folder) == []
    assert not other.folder.exists()
    assert Machine.now() == before
    assert all(processes(instance).values())
    assert kubectl(instance, "get", "nodes", "-o", "name").strip() == "node/node"


def test_an_interrupted_up_is_gone_on_with_or_taken_down() -> None:
    instance = Instance(f"test-interrupted-{os.getpid()}")
    sandbox = [sys.executable, "-m", "sandbox", "--name", instance.name]
    # Where the tests run in the background of a shell, Ctrl-C is ignored, and children inherit that.
    interruptible = ["env", "--default-signal=INT", *sandbox, "up"]
    up = subprocess.Popen(interruptible, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert wait(lambda: processes(instance).get("node/etcd") is not None, 60)
        up.send_signal(signal.SIGINT)
        _, said = up.communicate(timeout=10)
        assert up.returncode == 1
        assert said.splitlines()[-1].startswith("stopped: `up` goes on from here, `down` removes it")
        assert "Traceback" not in said
        namespaces = [process.namespaces() for process in processes(instance).values() if process]
        # As where it was interrupted between entering a host and starting a service in it.
        host = processes(instance)["node"]
        assert host
        late = subprocess.Popen(["nsenter", "--target", str(host.pid), "--net", "--", "sleep", "1"])
        assert wait(lambda: late.pid in members(host.namespaces()), 10)
    finally:
        subprocess.run([*sandbox, "down"], check=True)
    assert late.wait(10) == 0
    assert [members(namespace) for namespace in namespaces] == [[] for _ in namespaces]
    assert not instance.folder.exists()


def test_what_was_made_for_another_number_is_made_anew(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    instance = Instance(f"test-reset-{os.getpid()}")
    instance.folder.mkdir(parents=True)
    State(instance.folder / "state.json").index = 250
    (instance.folder / "node").mkdir()
    monkeypatch.setattr(claim, "claim", lambda _folder, _preferred: 251)
    instance._claim()
    assert [path.name for path in instance.folder.iterdir()] == ["state.json"]
    assert instance.network.index == 251
    assert "10.213.250.0/24 is in use now; it starts from nothing" in capsys.readouterr().out
    instance.down()


def test_down_of_what_is_not_running_is_no_error(capsys: pytest.CaptureFixture[str]) -> None:
    instance = Instance("test-never-started")
    instance.down()
    assert "no process, mount, interface, control group or file of it is left" in capsys.readouterr().out
    assert not instance.folder.exists()


def test_down_never_deletes_through_a_mount(tmp_path: Path) -> None:
    instance = Instance(f"test-mounted-{os.getpid()}")
    precious, place = tmp_path / "precious", instance.folder / "a place"
    precious.mkdir()
    (precious / "file").touch()
    place.mkdir(parents=True)
    subprocess.run(["mount", "--bind", precious, place], check=True)
    try:
        with pytest.raises(SandboxError, match=re.escape(f"mount {place}")):
            instance.down()
        assert (precious / "file").exists()
    finally:
        subprocess.run(["umount", place], check=True)
    instance.down()
    assert not instance.folder.exists()


def test_what_is_not_there_has_no_environment() -> None:
    with pytest.raises(SandboxError, match=r"sandbox test-absent is not there: start it \(python -m sandbox --name"):
        Instance("test-absent").environment()
    assert Instance("test-absent").status() == ["sandbox test-absent is not running"]


@pytest.mark.parametrize("name", ["", "..", "a/b", "A", "-a", "a" * 32])
def test_a_name_that_is_no_folders_is_refused(name: str) -> None:
    with pytest.raises(SandboxError, match="lower-case letters, digits and hyphens"):
        Instance(name)
