import io
import json
import subprocess
import tarfile
import time
from dataclasses import dataclass, field

import pytest

from components.docker_app.ssh import DockerHost
from components.docker_app.trial import Trial

TRIAL = Trial(
    beside="web-prod",
    image="sha256:new",
    health_check=("wget", "-q", "http://127.0.0.1:8080/"),
    memory=256,
    seconds=5,
    environment={"PASSWORD": "canary", "B": "two words"},
    writable=("/tmp",),
)
FORGET = ("rm", "--force", "web-prod-trial")


@dataclass(frozen=True, kw_only=True)
class Asked(DockerHost):
    """A Docker host that is asked, on which a container runs."""

    runs: str = "sha256:old"
    healthy_at: int = 0
    """How many checks fail before one succeeds."""
    running: str = "true"
    refuses: str = ""
    """The command that fails."""
    commands: list[tuple[str, ...]] = field(default_factory=list)
    sent: list[bytes] = field(default_factory=list)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        self.commands.append(arguments)
        text = self.runs if "{{.Image}}" in arguments[2] else self.running
        if "{{json .State}}" in arguments:
            text = json.dumps({"Status": "exited", "ExitCode": 1})
        checks = [command for command in self.commands if command[0] == "exec"]
        failed = arguments[0] == "exec" and len(checks) <= self.healthy_at
        return subprocess.CompletedProcess(
            arguments, int(failed), stdout="" if arguments[0] == "logs" else text, stderr=""
        )

    def send(self, content: bytes, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        self.commands.append(arguments)
        self.sent.append(content)
        failed = arguments[0] == self.refuses
        return subprocess.CompletedProcess(arguments, int(failed), stdout=b"", stderr=b"no such runtime\n")


def host(**changes: object) -> Asked:
    return Asked(address="ssh://deploy@host", host_key="ssh-ed25519 AAAA", **changes)  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time, which only sleeping moves."""
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    monkeypatch.setattr(time, "sleep", lambda seconds: now.append(now.pop() + seconds))


def test_trial_is_as_the_container_to_come_and_nothing_is_left_of_it() -> None:
    asked = host(healthy_at=2)
    assert TRIAL.problem(asked) is None
    assert asked.commands[1:4] == [
        FORGET,
        (
            *("create", "--name", "web-prod-trial", "--env-file", "/dev/stdin", "--memory", "256m"),
            *("--memory-swap", "256m", "--cap-drop", "ALL", "--security-opt", "no-new-privileges:true"),
            *("--read-only", "--tmpfs", "/tmp", "sha256:new"),
        ),
        ("start", "web-prod-trial"),
    ]
    assert [command for command in asked.commands if command[0] == "exec"] == [
        ("exec", "web-prod-trial", *TRIAL.health_check)
    ] * 3
    assert asked.commands[-1] == FORGET


def test_environment_is_sent_and_is_no_argument() -> None:
    asked = host()
    TRIAL.problem(asked)
    assert asked.sent[0] == b"PASSWORD=canary\nB=two words\n"
    assert not [command for command in asked.commands if "canary" in " ".join(command)]


def test_files_are_put_into_it() -> None:
    asked = host()
    files = {"/etc/app.conf": "text"}
    Trial(beside="web", image="i", health_check=("true",), memory=16, seconds=5, files=files).problem(asked)
    assert ("cp", "-", "web-trial:/") in asked.commands
    with tarfile.open(fileobj=io.BytesIO(asked.sent[1])) as archive:
        member = archive.extractfile("etc/app.conf")
        assert member
        assert member.read() == b"text"
    assert "--read-only" not in asked.commands[2]


@pytest.mark.parametrize("runs", ["", "sha256:new"])
def test_where_nothing_runs_or_the_image_does_already_nothing_is_tried(runs: str) -> None:
    asked = host(runs=runs)
    assert TRIAL.problem(asked) is None
    assert len(asked.commands) == 1


@pytest.mark.parametrize("running", ["true", "false"])
def test_image_that_does_not_get_healthy_tells_its_last_words_and_nothing_is_left(running: str) -> None:
    asked = host(healthy_at=99, running=running)
    assert TRIAL.problem(asked) == "Container web-prod-trial: exited, exit 1, no health check"
    # One that has ended is not waited for.
    assert len([command for command in asked.commands if command[0] == "exec"]) == (5 if running == "true" else 1)
    assert asked.commands[-1] == FORGET


@pytest.mark.parametrize("refuses", ["create", "start"])
def test_container_that_cannot_be_made_is_told_in_dockers_words(refuses: str) -> None:
    asked = host(refuses=refuses)
    assert TRIAL.problem(asked) == "no such runtime"
    assert asked.commands[-1] == FORGET
