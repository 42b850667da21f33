"""Secrets of the application on a real cluster: they reach the Pods, roll them and are rolled back; no secret shows."""

import base64
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

import gitlab
import pytest

from sandbox.instance import Instance
from tests.support.arguments import Arguments
from tests.support.cluster import Deployed, committed
from tests.support.docker_stack import Load
from tests.support.ops_command import ops
from tests.support.project import Run, leaks, run

NAMESPACE = "app-secrets"
FIRST, SECOND, BROKEN = (f"{what}-canary-5e1f90c7" for what in ("good-first", "good-second", "broken"))
FILE, PASSPHRASE, DEAD = "file-canary-77c1e0d2", "passphrase-canary-40be6f1a", "dead-token-canary-91d3ab5c"
HEALTHY = 'case "$API_KEY" in good-*) wget -q -O /dev/null http://127.0.0.1:8080/healthz;; *) exit 1;; esac'
"""The container's own check, which needs the right secret."""


@pytest.fixture(scope="module")
def deployed(
    instance: Instance, images: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployed]:
    """The committed stack on Kubernetes with a secret, on which the health of its Pods depends."""
    assert images
    folder = tmp_path_factory.mktemp("app-secrets")
    environment = os.environ | instance.environment() | {"PULUMI_CONFIG_PASSPHRASE": PASSPHRASE}
    del environment["PULUMI_CONFIG_PASSPHRASE_FILE"]
    stack = Deployed(instance, folder, environment, NAMESPACE)
    stack.set("kubernetes.graceSeconds", "2")
    stack.set("kubernetes.onFailure", "rollback")
    stack.edit(lambda config: config["gitlab-deploy:app"].update(health={"command": ["/bin/sh", "-c", HEALTHY]}))
    choose(stack, FIRST)
    stack.up()
    yield stack
    stack.destroy()


def choose(stack: Deployed, secret: str) -> None:
    done = stack.project.pulumi(
        "config", "set", "--secret", "--path", "gitlab-deploy:app.secrets.API_KEY", stdin=secret
    )
    assert done.code == 0, done.text


def in_pods(stack: Deployed, secret: str) -> bool:
    """Whether a container has the secret in its environment, which is compared inside of it."""
    check = ("/bin/sh", "-c", 'read -r expected && test "$API_KEY" = "$expected"')
    command = ("kubectl", "-n", NAMESPACE, "exec", "-i", "deployment/web", "--", *check)
    return stack.project.run(*command, stdin=f"{secret}\n").code == 0


def revealed(stack: Deployed) -> str:
    """What the Secret in the cluster holds."""
    run = stack.kubectl("-n", NAMESPACE, "get", "secret", "web-secrets", "-o", "jsonpath={.data.API_KEY}")
    # Asked for by the test, so no output of the product.
    stack.project.runs.remove(run)
    return base64.b64decode(run.stdout).decode()


def up(stack: Deployed) -> Run:
    return stack.project.pulumi("up", "--yes", "--skip-preview", "--diff")


def test_secret_reaches_the_pods_and_a_check_by_command_uses_it(deployed: Deployed) -> None:
    assert in_pods(deployed, FIRST)
    container = deployed.get("deployment", "web")["spec"]["template"]["spec"]["containers"][0]
    assert container["envFrom"] == [{"secretRef": {"name": "web-secrets"}}]
    assert container["readinessProbe"]["exec"]["command"] == ["/bin/sh", "-c", HEALTHY]
    assert deployed.summary("--expect-no-changes") == {}


def test_changed_secret_replaces_the_pods_while_the_site_serves(deployed: Deployed) -> None:
    choose(deployed, SECOND)
    assert deployed.summary() == {"update": ["app-secrets", "app-deployment"]}
    with Load(deployed.instance, rate=10, address=deployed.address()) as load:
        run = up(deployed)
    assert run.code == 0, run.text
    assert load.failed == []
    assert in_pods(deployed, SECOND)
    assert deployed.summary("--expect-no-changes") == {}


def test_pods_of_a_release_before_start_with_the_newest_secret(deployed: Deployed) -> None:
    target = ("deployment/web", "-n", NAMESPACE)
    assert deployed.kubectl("rollout", "undo", *target).code == 0
    status = deployed.kubectl("rollout", "status", *target, "--timeout=120s")
    assert status.code == 0, status.text
    assert in_pods(deployed, SECOND)
    deployed.up("--refresh")
    assert in_pods(deployed, SECOND)
    preview = deployed.project.pulumi("preview", "--expect-no-changes", "--refresh")
    assert preview.code == 0, preview.text


def test_secret_that_breaks_the_rollout_is_rolled_back_and_is_never_green(deployed: Deployed) -> None:
    deployed.set("kubernetes.waitSeconds", "10")
    choose(deployed, BROKEN)
    with Load(deployed.instance, rate=10, address=deployed.address()) as load:
        run = up(deployed)
    assert run.code != 0
    assert "its container runs and is not ready" in run.text
    assert "The Deployment was rolled back one revision. Fix the cause" in run.text
    assert load.failed == []
    # Nothing is left to change, and the image is the declared one.
    again = up(deployed)
    assert again.code != 0
    assert re.search(r"rolled back after the rollout of \S+ \(generation \d+\) had failed; change what", again.text)

    choose(deployed, SECOND)
    deployed.set("kubernetes.waitSeconds", "300")
    run = up(deployed)
    assert run.code == 0, run.text
    assert revealed(deployed) == SECOND
    assert in_pods(deployed, SECOND)
    assert deployed.summary("--expect-no-changes") == {}


def registry_token(stack: Deployed) -> str:
    """The deploy token's own value, from the state."""
    command = ["pulumi", "stack", "export", "--show-secrets", "--stack", stack.project.stack]
    # Asked for by the test, so none of the project's runs.
    state = run(*command, cwd=stack.project.folder, env=stack.project.environment).stdout
    (token,) = [
        entry["outputs"]["token"]
        for entry in json.loads(state)["deployment"]["resources"]
        if entry["urn"].endswith("::registry-token")
    ]
    value: str = json.loads(token["plaintext"])
    return value


def texts_below(folder: Path) -> dict[str, str]:
    """Every file of a folder but the program's own; links are not followed."""
    found = {}
    for parent, _, names in os.walk(folder):
        for file in (Path(parent, name) for name in names):
            if "components" not in file.parts and file.is_file():
                found[str(file)] = file.read_text(errors="replace")
    return found


def test_no_secret_of_any_kind_has_a_way_out(deployed: Deployed, tmp_path: Path) -> None:
    project, host = deployed.project, deployed.instance.docker
    client = gitlab.Gitlab(deployed.instance.gitlab.url, private_token=project.environment["GITLAB_TOKEN"])
    request = client.projects.get("group/blog").mergerequests.create(
        {"source_branch": "canaries", "target_branch": "main", "title": "Canaries"}
    )
    secrets = {
        "first": FIRST,
        "second": SECOND,
        "broken": BROKEN,
        "file": FILE,
        "passphrase": PASSPHRASE,
        "wrong passphrase": f"wrong-{PASSPHRASE}",
        "GitLab token": project.environment["GITLAB_TOKEN"],
        "dead GitLab token": DEAD,
        "ServiceAccount token": deployed.variables()["KUBE_TOKEN"].value,
        "registry token": registry_token(deployed),
        "ssh key": host.key.read_text().splitlines()[2],
    }
    job = {
        "CI_SERVER_URL": deployed.instance.gitlab.url,
        "CI_PROJECT_ID": str(request.project_id),
        "CI_MERGE_REQUEST_IID": str(request.iid),
        "GITLAB_REVIEW_TOKEN": project.environment["GITLAB_TOKEN"],
        "TMPDIR": str(tmp_path),
    }
    on_host = committed()["dockerHost"] | {"address": host.address, "files": {"/etc/plain": "text"}}
    deployed.edit(lambda config: config.update({"gitlab-deploy:dockerHost": on_host}))
    unreachable = {"KUBECONFIG": str(tmp_path / "kubeconfig")}
    Path(unreachable["KUBECONFIG"]).write_text(deployed.instance.kubeconfig.read_text().replace(":6443", ":6444"))

    with Arguments() as arguments:
        secret = ("config", "set", "--secret", "--path")
        assert project.pulumi(*secret, 'gitlab-deploy:dockerHost.files["/etc/key"]', stdin=FILE).code == 0
        assert project.pulumi(*secret, "gitlab-deploy:app.secrets.API_KEY", stdin=FIRST).code == 0
        for command in (
            # With its preview: all that is created on the Docker host, and what changes in the cluster.
            ("up", "--yes", "--diff"),
            ("config",),
            ("stack",),
            ("stack", "output", "--json"),
            ("stack", "export"),
            ("stack", "history"),
        ):
            assert project.pulumi(*command).code == 0, command
        assert project.pulumi(*secret, "gitlab-deploy:app.secrets.API_KEY", stdin=SECOND).code == 0
        preview = project.pulumi("preview", "--json")
        assert preview.code == 0
        (project.folder / "plan.json").write_text(preview.stdout)
        reports = ("--terraform-report", "tf.json", "--code-quality", "cq.json", "--plans", "plans.json")
        commands: tuple[tuple[tuple[str, ...], int], ...] = (
            (("verify",), 0),
            (("verify", "--job"), 0),
            (("review", *reports, "sandbox=plan.json"), 0),
            (("note", "plans.json", "sandbox"), 0),
            (("render", "--stack", "sandbox", "--output", "rendered.json"), 0),
            (("drift", "sandbox"), 1),
            (("lock", "--stack", "sandbox"), 0),
            (("sweep",), 0),
        )
        for words, code in commands:
            done = ops(project, *words, **job, SITE_CA_FILE=str(host.certificate.authority))
            assert done.code == code, (words, done.code)

        failing: tuple[dict[str, str], ...] = (
            unreachable,
            {"GITLAB_TOKEN": DEAD},
            {"PULUMI_CONFIG_PASSPHRASE": f"wrong-{PASSPHRASE}"},
            # No private key.
            {"SANDBOX_SSH_KEY": unreachable["KUBECONFIG"]},
        )
        for environment in failing:
            named = ("--diff", "--non-interactive", "--stack", "sandbox")
            assert project.run("pulumi", "up", "--yes", "--skip-preview", *named, **environment).code != 0
        # A program that crashes with all it knows in its traceback.
        program = project.folder / "__main__.py"
        whole = program.read_text()
        program.write_text(f"{whole}\nraise RuntimeError(repr(vars()))\n")
        crashed = project.pulumi("preview", "--diff")
        program.write_text(whole)
        assert "Traceback" in crashed.text
        assert "api_key" in crashed.text.lower()

    texts = texts_below(project.folder.parent) | texts_below(tmp_path)
    assert {"plans.json", "tf.json", "cq.json", "rendered.json"} <= {Path(name).name for name in texts}
    texts |= {"argv": "\n".join(arguments.seen), "Deployment": json.dumps(deployed.get("deployment", "web"))}
    assert "pulumi preview" in texts["argv"]
    texts |= {f"command {number}": done.text for number, done in enumerate(project.runs)}
    logs = [*deployed.instance.folder.glob("log/*.log"), *(deployed.instance.folder / "pulumi").rglob("*.log")]
    assert len(logs) >= 8
    texts |= {log.name: log.read_text(errors="replace") for log in logs}
    notes = [note.body for note in request.notes.list(get_all=True) if not note.system]
    assert len(notes) == 1
    texts |= {"notes": "\n".join(notes)}
    issues = client.projects.get(request.project_id).issues.list(labels=["drift"], get_all=True)
    assert issues
    texts |= {"issues": "\n".join(issue.description for issue in issues)}
    found = [(name, where) for name, secret in secrets.items() for where, text in texts.items() if leaks(secret, text)]
    assert found == []
