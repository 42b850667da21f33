"""Plans made with the real CLI, and no secret, state or server: what the job of a fork's merge request does."""

import hashlib
import json
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ops.preview.plan import between
from ops.preview.redaction import Redactor
from tests.support.project import ROOT, Project, Run

CANARY = "the-canary-secret"


def stack(port: int) -> dict[str, Any]:
    """A stack on both targets, each of its servers at a port of this machine."""
    here = f"127.0.0.1:{port}"
    return {
        "cluster": "production",
        "gitlabUrl": f"http://{here}",
        "gitlabProject": "group/blog",
        "image": f"{here}/group/blog:1.0.0",
        "access": {"namespace": "example", "serviceAccount": "sa", "server": f"https://{here}", "preview": True},
        "app": {"port": 8080},
        "kubernetes": {},
        "dockerHost": {
            "address": f"ssh://deploy@{here}",
            "hostKey": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIN1TP8Zk3fIPC98LZDnN3wH4hrQAwW1FW7pZb4FaV/b1",
            "identityFile": "${SSH_KEY}",
            "host": "blog.example.org",
        },
    }


class Checkout(Project):
    """The program in a git repository, with a stack file that holds secrets; and a job that has none."""

    def __init__(self, tmp_path: Path, engine: dict[str, str], port: int) -> None:
        for name in ("checkout", "state", "home"):
            (tmp_path / name).mkdir()
        super().__init__(tmp_path / "checkout", engine | {"PULUMI_BACKEND_URL": (tmp_path / "state").as_uri()})
        shutil.copytree(ROOT / "ops", self.folder / "ops", ignore=shutil.ignore_patterns("__pycache__"))
        (self.folder / ".gitignore").write_text(".venv\n__pycache__/\n")
        self.configure(stack(port))
        self.init()
        for key in ("gitlabToken", 'app["secrets"]["PASSWORD"]'):
            self.set_secret(key, CANARY)
        self.git("init", "--quiet", "--initial-branch=main")
        self.commit()
        home = tmp_path / "home"
        (home / ".pulumi").mkdir()
        (home / ".pulumi" / "plugins").symlink_to(Path(engine["PULUMI_HOME"], "plugins"))
        self.job = {"PATH": engine["PATH"], "HOME": str(home)}
        self.output = tmp_path / "plan.json"

    def set_secret(self, key: str, value: str) -> None:
        run = self.pulumi("config", "set", "--path", "--secret", f"gitlab-deploy:{key}", stdin=value)
        assert run.code == 0, run.text

    def git(self, *arguments: str) -> str:
        identity = ("-c", "user.name=Test", "-c", "user.email=test@example.com")
        return subprocess.run(
            ["git", *identity, *arguments], cwd=self.folder, capture_output=True, text=True, check=True
        ).stdout

    def commit(self) -> None:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "change")

    def files(self) -> dict[str, str]:
        """What is in the checkout, git's own files with it."""
        found = [path for path in self.folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
        return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in found if ".venv" not in path.parts}

    def render(self, *arguments: str) -> Run:
        command = [sys.executable, "-m", "ops", "render", "--stack", self.stack, "--output", str(self.output)]
        done = subprocess.run(
            [*command, *arguments],
            cwd=self.folder,
            env=self.job,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return Run(code=done.returncode, stdout=done.stdout, stderr=done.stderr)

    def plan(self, *arguments: str) -> str:
        run = self.render(*arguments)
        assert run.code == 0, run.text
        text = self.output.read_text()
        assert CANARY not in run.text + text
        return text


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """What takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        yield listener


@pytest.fixture
def checkout(tmp_path: Path, engine: dict[str, str], silent: socket.socket) -> Checkout:
    return Checkout(tmp_path, engine, silent.getsockname()[1])


def test_a_fork_renders_any_commit_without_environment_and_keeps_the_checkout(
    checkout: Checkout, silent: socket.socket
) -> None:
    before = checkout.files()
    plan = checkout.plan()
    with pytest.raises(BlockingIOError):
        silent.accept()
    types = [step["urn"].split("::")[2].rpartition("$")[2] for step in json.loads(plan)["steps"]]
    for expected in (
        "kubernetes:apps/v1:Deployment",
        "docker:index/container:Container",
        "gitlab:index/projectVariable:ProjectVariable",
    ):
        assert expected in types
    # The same again from git: no name is made up, no order is left to chance.
    assert checkout.plan("--ref", "main") == plan
    assert checkout.files() == before
    assert checkout.git("worktree", "list").count("\n") == 1


def test_a_rendered_program_gets_no_variable_of_the_job(checkout: Checkout, tmp_path: Path) -> None:
    program, seen = checkout.folder / "__main__.py", tmp_path / "seen"
    program.write_text(f"{program.read_text()}\nPath({str(seen)!r}).write_text(' '.join(os.environ))\n")
    checkout.job["DEPLOY_PASSWORD"] = CANARY
    checkout.plan()
    assert "PULUMI_BACKEND_URL" in seen.read_text().split()
    assert "DEPLOY_PASSWORD" not in seen.read_text().split()


def test_two_plans_show_what_a_branch_changes_a_secret_too_and_nothing_else(checkout: Checkout) -> None:
    checkout.set("kubernetes.replicas", "3")
    checkout.set_secret('app["secrets"]["PASSWORD"]', f"{CANARY}-2")
    branch, base = checkout.plan(), checkout.plan("--ref", "main")
    changes = between(base, branch, "prod", Redactor()).changes
    shown = {change.name: [(item.path, item.old, item.new) for item in change.properties] for change in changes}
    assert shown == {
        "app-deployment": [
            ("spec.replicas", "2", "3"),
            ('spec.template.metadata.annotations["gitlab-deploy/secrets"]', "[secret]", "[secret]"),
        ],
        "app-secrets": [("data", "[secret]", "[secret]")],
        "docker-app-container": [("envs", "[secret]", "[secret]")],
    }
    assert {change.operation for change in changes} == {"update"}


def test_image_that_only_the_state_knows_is_named_as_such(checkout: Checkout) -> None:
    checkout.set("registry.server", "registry.example.com")
    checkout.edit(lambda config: config.pop("gitlab-deploy:image"))
    found = checkout.render()
    assert found.code == 0, found.text
    image = "registry.example.com/deployed-last.invalid/image:unknown"
    assert f"Pulumi.test.yaml names no image: {image} stands for it" in found.stdout
    assert image in checkout.output.read_text()


def test_what_cannot_be_rendered_is_told_with_the_programs_own_words(checkout: Checkout) -> None:
    checkout.set("app.port", "0")
    run = checkout.render()
    assert run.code == 2
    assert "gitlab-deploy:app.port: 0 is out of range" in run.stderr
    assert "Traceback" not in run.text
    run = checkout.render("--ref", "nowhere")
    assert run.code == 2
    assert run.stderr.startswith("error: There is no commit nowhere in this checkout; fetch it first")
    (checkout.folder / "Pulumi.test.yaml").unlink()
    run = checkout.render()
    assert run.stderr == "error: There is no Pulumi.test.yaml in this version of the program; name another stack\n"
    assert not checkout.output.exists()


def test_up_is_refused_offline(checkout: Checkout) -> None:
    checkout.environment["GITLAB_DEPLOY_OFFLINE"] = "1"
    run = checkout.pulumi("up", "--yes", "--skip-preview")
    assert run.code != 0
    assert "Nothing was changed: GITLAB_DEPLOY_OFFLINE is set" in run.text
    assert "Traceback" not in run.text
    state = json.loads(checkout.export())["deployment"].get("resources", [])
    assert not [item for item in state if not item["type"].startswith("pulumi:")]


def test_a_stack_of_an_organization_is_rendered_from_its_stack_file(checkout: Checkout) -> None:
    checkout.stack = "acme/blog/Test.EU_1"
    (checkout.folder / "Pulumi.test.yaml").rename(checkout.folder / "Pulumi.Test.EU_1.yaml")
    assert json.loads(checkout.plan())["steps"]


def test_a_stack_file_with_an_anchor_to_itself_is_one_sentence(checkout: Checkout) -> None:
    (checkout.folder / "Pulumi.test.yaml").write_text("config:\n  gitlab-deploy:app: &a {port: *a}\n")
    found = checkout.render()
    assert (found.code, found.stdout) == (2, "")
    assert found.stderr == (
        "error: The stack file cannot be read: an anchor refers to itself; fix it until 'pulumi config' shows it\n"
    )
