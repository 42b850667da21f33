"""A canary of each kind of secret goes through every command that the README and docs name, and comes out of none."""

import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import gitlab
import pytest
from gitlab.v4.objects import ProjectMergeRequest

from ops.__main__ import COMMANDS
from sandbox.instance import Instance
from tests.support.arguments import Arguments
from tests.support.cluster import Deployed
from tests.support.ops_command import ops
from tests.support.project import ROOT, leaks, run

NAMESPACE = "canaries"
FIRST, SECOND, FILE = (f"{what}-canary-5e1f90c7" for what in ("first", "second", "file"))
OLD_PASSPHRASE, PASSPHRASE = "old-passphrase-canary-40be6f1a", "passphrase-canary-77c1e0d2"
DEAD = "dead-token-canary-91d3ab5c"
SECRET = ("config", "set", "--secret", "--path")
STORED = ("ServiceAccount token, of the state", "GitLab variable KUBE_TOKEN")
"""One and the same."""
API_KEY, ON_HOST = "gitlab-deploy:app.secrets.API_KEY", 'gitlab-deploy:dockerHost.files["/etc/key"]'

LOOKING: tuple[tuple[str, ...], ...] = (
    ("config",),
    ("config", "--json"),
    ("stack",),
    ("stack", "output"),
    ("stack", "output", "--json"),
    ("stack", "output", "deployment"),
    ("stack", "export"),
    ("stack", "export", "--file", "state.json"),
    ("stack", "import", "--file", "state.json"),
    ("stack", "history"),
    ("stack", "history", "--json"),
)
"""Of `pulumi`, after a run."""
CHANGED: tuple[tuple[str, ...], ...] = (
    ("preview", "--diff", "--refresh"),
    ("up", "--yes", "--skip-preview", "--refresh", "--json"),
    ("refresh", "--yes", "--diff"),
    ("destroy", "--yes", "--diff"),
)
"""Of `pulumi`, once a secret has another value."""
REPORTS = ("--terraform-report", "tf.json", "--code-quality", "cq.json", "--plans", "plans.json")
OPS: tuple[tuple[tuple[str, ...], int], ...] = (
    (("verify",), 0),
    (("verify", "--job"), 0),
    (("doctor", "--stack", "sandbox"), 0),
    (("status",), 0),
    (("status", "--json"), 0),
    (("status", "--html", "status.html"), 0),
    (("graph", "--stack", "sandbox"), 0),
    (("graph", "--stack", "sandbox", "--output", "graph.svg"), 0),
    (("shell", "sandbox", "--", "kubectl", "get", "deployments", "--output", "yaml"), 0),
    (("shell", "sandbox", "--", "docker", "ps", "--all", "--no-trunc"), 0),
    (("adopt", "--stack", "sandbox"), 0),
    (("review", *REPORTS, "sandbox=plan.json"), 0),
    (("note", "plans.json", "sandbox"), 0),
    (("render", "--stack", "sandbox", "--output", "rendered.json"), 0),
    (("drift", "sandbox"), 1),
    (("lock", "--stack", "sandbox"), 0),
    (("lock", "--stack", "sandbox", "--release"), 0),
    (("sweep", "--dry-run"), 0),
)
"""Of `python -m ops`, and their exit codes while a secret has a value that is not deployed."""
OTHERS = {
    # Of the test's own set-up.
    *("config set", "config rm", "stack init", "stack rm", "stack change-secrets-provider", "stack select"),
    # Of no stack.
    *("install", "login"),
    # What the documentation advises against.
    "import",
}


def test_every_command_that_is_documented_gets_the_canaries() -> None:
    assert {words[0] for words, _ in OPS} == set(COMMANDS)
    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md"), *(ROOT / "examples").rglob("*.md")]
    text = "\n".join(page.read_text() for page in pages)
    named = set(re.findall(r"(?m)(?:[`'\"]|^|&& |=1 |# )pulumi ((?:(?:config|stack) )?[a-z][a-z-]*)\b", text))
    assert {"up", "config set", "stack output"} <= named
    commands = [" ".join(words) for words in (("up",), ("preview",), *LOOKING, *CHANGED)]
    assert {name for name in named - OTHERS if not any(command.startswith(name) for command in commands)} == set()


@dataclass(frozen=True, kw_only=True)
class Canaries:
    """A stack that was put up with them."""

    stack: Deployed
    arguments: Arguments
    """Those of every process since."""
    secrets: Mapping[str, str] = field(repr=False)
    """By what they are."""

    def places(self) -> dict[str, str]:
        """All that can be read of what the commands have done."""
        texts = texts_below(self.stack.project.folder.parent)
        texts |= {f"command {number}": without_debug(done.text) for number, done in enumerate(self.stack.project.runs)}
        logs = [*self.stack.instance.folder.glob("log/*.log"), *(self.stack.instance.folder / "pulumi").rglob("*.log")]
        assert len(logs) >= 8
        texts |= {log.name: log.read_text(errors="replace") for log in logs}
        assert any("pulumi up" in line for line in self.arguments.seen)
        return texts | {"argv": "\n".join(self.arguments.seen)}

    def found(self, texts: Mapping[str, str]) -> list[tuple[str, str]]:
        """Each secret that has a way out, and which."""
        return [
            (name, where)
            for name, secret in self.secrets.items()
            for where, text in texts.items()
            if leaks(secret, text)
        ]


@pytest.fixture(scope="module")
def canaries(
    instance: Instance, images: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Canaries]:
    """The committed stack on both targets."""
    assert images
    environment = os.environ | instance.environment() | {"PULUMI_CONFIG_PASSPHRASE": OLD_PASSPHRASE}
    del environment["PULUMI_CONFIG_PASSPHRASE_FILE"]
    folder = tmp_path_factory.mktemp("canaries")
    environment["TMPDIR"] = str(folder)
    stack = Deployed(instance, folder, environment, NAMESPACE, docker=True)
    on_host = {"files": {"/etc/plain": "text"}}
    stack.edit(lambda config: config["gitlab-deploy:dockerHost"].update(on_host))
    with Arguments() as arguments:
        deploy(stack)
        yield Canaries(stack=stack, arguments=arguments, secrets=secrets_of(stack))
        stack.destroy()


def succeeds(stack: Deployed, *command: str, stdin: str | None = None) -> str:
    done = stack.project.pulumi(*command, stdin=stdin)
    assert done.code == 0, command
    return done.stdout


def deploy(stack: Deployed) -> None:
    """Puts it up, with another passphrase than it was made with."""
    project = stack.project
    # No stack is selected after one is removed.
    for arguments in (("init", "other", "--no-select"), ("rm", "other", "--yes"), ("select", project.stack)):
        assert project.run("pulumi", "stack", *arguments, "--non-interactive").code == 0
    # It asks twice.
    provider = ("pulumi", "stack", "change-secrets-provider", "passphrase", "--stack", project.stack)
    assert project.run(*provider, stdin=f"{PASSPHRASE}\n{PASSPHRASE}\n").code == 0
    project.environment["PULUMI_CONFIG_PASSPHRASE"] = PASSPHRASE
    succeeds(stack, *SECRET, ON_HOST, stdin=FILE)
    succeeds(stack, *SECRET, API_KEY, stdin=FIRST)
    # With its preview: all that is created.
    succeeds(stack, "up", "--yes", "--diff")
    for command in LOOKING:
        succeeds(stack, *command)


def operate(stack: Deployed, request: ProjectMergeRequest) -> None:
    """Runs every command of `ops` while a secret has another value, and again with credentials that are none."""
    project = stack.project
    job = {
        "CI_SERVER_URL": stack.instance.gitlab.url,
        "CI_PROJECT_ID": str(request.project_id),
        "CI_MERGE_REQUEST_IID": str(request.iid),
        "GITLAB_REVIEW_TOKEN": project.environment["GITLAB_TOKEN"],
        "SITE_CA_FILE": str(stack.instance.docker.certificate.authority),
    }
    succeeds(stack, *SECRET, API_KEY, stdin=SECOND)
    (project.folder / "plan.json").write_text(succeeds(stack, "preview", "--json"))
    found = {words: ops(project, *words, **job).code for words, _ in OPS}
    assert found == dict(OPS)
    wrong = {"GITLAB_TOKEN": DEAD, "GITLAB_REVIEW_TOKEN": DEAD, "PULUMI_CONFIG_PASSPHRASE": f"wrong-{PASSPHRASE}"}
    once = {words[0]: words for words, _ in reversed(OPS)}
    failed = {name for name, words in once.items() if ops(project, *words, **{**job, **wrong}).code != 0}
    # The others need no credential, or have nothing to ask for with one.
    assert failed >= {"verify", "doctor", "adopt", "note", "drift"}


def fail(stack: Deployed, nothing: Path) -> None:
    """Runs `pulumi up` with each credential that is wrong, and a program that crashes."""
    project = stack.project
    nothing.write_text(stack.instance.kubeconfig.read_text().replace(":6443", ":6444"))
    failing: tuple[dict[str, str], ...] = (
        {"KUBECONFIG": str(nothing)},
        {"GITLAB_TOKEN": DEAD},
        {"PULUMI_CONFIG_PASSPHRASE": f"wrong-{PASSPHRASE}"},
        # No private key.
        {"SANDBOX_SSH_KEY": str(nothing)},
    )
    for environment in failing:
        named = ("--diff", "--non-interactive", "--stack", project.stack)
        assert project.run("pulumi", "up", "--yes", "--skip-preview", *named, **environment).code != 0
    # With all that the program knows in its traceback.
    program = project.folder / "__main__.py"
    whole = program.read_text()
    program.write_text(f"{whole}\nraise RuntimeError(repr(vars()))\n")
    for command in (("preview", "--diff"), ("up", "--yes", "--skip-preview", "--json")):
        crashed = project.pulumi(*command)
        assert crashed.code != 0
        assert "RuntimeError" in crashed.text
        assert "api_key" in crashed.text.lower()
    program.write_text(whole)


def secrets_of(stack: Deployed) -> dict[str, str]:
    """Every secret of the stack and of its jobs, by what it is."""
    command = ["pulumi", "stack", "export", "--show-secrets", "--stack", stack.project.stack]
    # Asked for by the test, so none of the project's runs.
    state = run(*command, cwd=stack.project.folder, env=stack.project.environment).stdout
    (token,) = [
        entry["outputs"]["token"]
        for entry in json.loads(state)["deployment"]["resources"]
        if entry["urn"].endswith("::registry-token")
    ]
    variables = stack.variables()
    secrets = {
        "stack file": FIRST,
        "stack file, changed": SECOND,
        "stack file, a file of the container": FILE,
        "passphrase": PASSPHRASE,
        "passphrase before": OLD_PASSPHRASE,
        "wrong passphrase": f"wrong-{PASSPHRASE}",
        "GitLab token": stack.project.environment["GITLAB_TOKEN"],
        "dead GitLab token": DEAD,
        "GitLab variable KUBECONFIG": variables["KUBECONFIG"].value,
        **dict.fromkeys(STORED, variables["KUBE_TOKEN"].value),
        "registry token": json.loads(token["plaintext"]),
        "ssh key": stack.instance.docker.key.read_text().splitlines()[2],
    }
    # Found where they are meant to be: what finds them can.
    shown = {name for name, secret in secrets.items() if leaks(secret, state)}
    assert shown >= {"stack file", "stack file, a file of the container", "registry token", *STORED}
    return secrets


def without_debug(text: str) -> str:
    """What a command printed, without the debug messages among its JSON events (docs/security.md, Said plainly)."""
    return "".join(line for line in text.splitlines(keepends=True) if not is_debug(line))


def is_debug(line: str) -> bool:
    """Whether it is the event of a debug message."""
    if not line.startswith('{"sequence":'):
        return False
    return bool(json.loads(line).get("diagnosticEvent", {}).get("severity") == "debug")


def texts_below(folder: Path) -> dict[str, str]:
    """Every file of a folder but the program's own; links are not followed."""
    found = {}
    for parent, _, names in os.walk(folder):
        for file in (Path(parent, name) for name in names):
            if "components" not in file.parts and file.is_file():
                found[str(file)] = file.read_text(errors="replace")
    return found


def test_no_secret_of_any_kind_has_a_way_out(canaries: Canaries) -> None:
    stack = canaries.stack
    client = gitlab.Gitlab(stack.instance.gitlab.url, private_token=stack.project.environment["GITLAB_TOKEN"])
    request = client.projects.get("group/blog").mergerequests.create(
        {"source_branch": "canaries", "target_branch": "main", "title": "Canaries"}
    )
    assert isinstance(request, ProjectMergeRequest)
    operate(stack, request)
    texts = canaries.places() | {"Deployment": json.dumps(stack.get("deployment", "web"))}
    assert {"plans.json", "tf.json", "cq.json", "rendered.json", "status.html", "graph.svg"} <= {
        Path(name).name for name in texts
    }
    notes = [note.body for note in request.notes.list(get_all=True) if not note.system]
    assert len(notes) == 1
    issues = client.projects.get(request.project_id).issues.list(labels=["drift"], get_all=True)
    assert issues
    texts |= {"notes": "\n".join(notes), "issues": "\n".join(issue.description for issue in issues)}
    assert canaries.found(texts) == []


def test_no_error_and_no_crash_shows_a_secret(canaries: Canaries, tmp_path: Path) -> None:
    stack = canaries.stack
    succeeds(stack, *SECRET, API_KEY, stdin=SECOND)
    fail(stack, tmp_path / "kubeconfig")
    for command in CHANGED:
        succeeds(stack, *command)
    assert canaries.found(canaries.places()) == []
