import io
import json
import subprocess
import tarfile
import time
from dataclasses import dataclass, field, replace

import pytest

from components.docker_app.remote_docker import ApiAnswer, RemoteDockerError
from components.docker_app.trial import Trial
from tests.support.docker_double import DockerDouble, done, listed

OWNER = "gitlab-deploy/prod/web-prod"
TRIAL = Trial(
    beside="web-prod",
    owner=OWNER,
    identity="own-id",
    image="sha256:new",
    health_check=("wget", "-q", "http://127.0.0.1:8080/"),
    memory=256,
    seconds=5,
    environment={"PASSWORD": "canary", "KEY": "line-one\nPATH=/evil\nline-three"},
    secrets=("canary", "line-one\nPATH=/evil\nline-three"),
    writable=("/tmp",),
)
MADE = "a" * 64


@dataclass
class Host:
    """A Docker host on which a container serves, and a trial is created."""

    runs: str = "sha256:old"
    healthy_at: int = 0
    """How many checks fail before one succeeds."""
    running: str = "true"
    log: str = ""
    beside: tuple[dict[str, object], ...] = ()
    refuses: dict[str, str] = field(default_factory=dict)
    """What Docker says, by the end of the path that it refuses."""
    checks: int = 0

    def answer(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        if arguments[0] == "exec":
            self.checks += 1
            return done(arguments, code=int(self.checks <= self.healthy_at))
        if "{{json .State}}" in arguments:
            return done(arguments, json.dumps({"Status": "exited", "ExitCode": 1}))
        if arguments[0] == "inspect":
            return done(arguments, self.runs if "{{.Image}}" in arguments[2] else self.running)
        return done(arguments, self.log if arguments[0] == "logs" else "")

    def api(self, _method: str, path: str) -> ApiAnswer:
        for end, message in self.refuses.items():
            if end in path:
                return ApiAnswer(status=500, body=json.dumps({"message": message}))
        if "/json" in path:
            return listed(*self.beside)
        return ApiAnswer(status=201, body=json.dumps({"Id": MADE}))


def double(host: Host) -> DockerDouble:
    return DockerDouble(answer=host.answer, api=host.api)


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time, which only sleeping moves."""
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    monkeypatch.setattr(time, "sleep", lambda seconds: now.append(now.pop() + seconds))


def test_trial_is_like_the_container_to_come_and_nothing_is_left_of_it() -> None:
    remote = double(host := Host(healthy_at=2))
    assert TRIAL.problem(remote) is None
    assert remote.requests == [
        ("GET", "/containers/json?all=true"),
        ("POST", "/containers/create?name=web-prod-trial"),
        ("POST", f"/containers/{MADE}/start"),
    ]
    definition = json.loads(remote.bodies[1])
    assert definition["Image"] == "sha256:new"
    assert definition["Labels"] == {
        "gitlab-deploy.trial": OWNER,
        "gitlab-deploy.id": "own-id",
        "traefik.enable": "false",
    }
    assert definition["HostConfig"] == {
        "Memory": 256 << 20,
        "MemorySwap": 256 << 20,
        "CapDrop": ["ALL"],
        "SecurityOpt": ["no-new-privileges:true"],
        "ReadonlyRootfs": True,
        "Tmpfs": {"/tmp": ""},
    }
    assert host.checks == 3
    assert remote.commands[-1] == ("rm", "--force", MADE)


def test_value_of_several_lines_is_one_variable_and_no_argument() -> None:
    remote = double(Host())
    TRIAL.problem(remote)
    assert json.loads(remote.bodies[1])["Env"] == ["PASSWORD=canary", "KEY=line-one\nPATH=/evil\nline-three"]
    assert not [command for command in remote.commands if "canary" in " ".join(command)]


def test_trial_runs_the_same_command_as_the_container_to_come() -> None:
    remote = double(Host())
    replace(TRIAL, command=("sh", "-c"), arguments=("exec serve",)).problem(remote)
    made = json.loads(remote.bodies[1])
    assert (made["Entrypoint"], made["Cmd"]) == (["sh", "-c"], ["exec serve"])


def test_files_are_put_into_it_before_it_starts() -> None:
    remote = double(Host())
    replace(TRIAL, files={"/etc/app.conf": "text"}).problem(remote)
    assert remote.requests[2:] == [
        ("PUT", f"/containers/{MADE}/archive?path=/"),
        ("POST", f"/containers/{MADE}/start"),
    ]
    with tarfile.open(fileobj=io.BytesIO(remote.bodies[2])) as archive:
        member = archive.extractfile("etc/app.conf")
        assert member
        assert member.read() == b"text"
    assert json.loads(remote.bodies[1])["HostConfig"]["ReadonlyRootfs"] is False


@pytest.mark.parametrize("runs", ["", "sha256:new"])
def test_nothing_is_tried_if_nothing_runs_or_the_image_does_already(runs: str) -> None:
    remote = double(Host(runs=runs))
    assert TRIAL.problem(remote) is None
    assert (len(remote.commands), remote.requests) == (1, [])


@pytest.mark.parametrize(("running", "checks"), [("true", 5), ("false", 1)])
def test_image_that_does_not_get_healthy_shows_its_log_and_nothing_is_left(running: str, checks: int) -> None:
    log = "2026-11-25T20:00:00Z \x1b[31mno settings for canary\x1b[0m\n2026-11-25T20:00:01Z line-three\n"
    remote = double(host := Host(healthy_at=99, running=running, log=log))
    assert TRIAL.problem(remote) == (
        "Container web-prod-trial: exited, exit 1, no health check\n  log: no settings for [secret]\n  log: [secret]"
    )
    # One that has exited is not waited for.
    assert host.checks == checks
    assert remote.commands[-1] == ("rm", "--force", MADE)


@pytest.mark.parametrize("refused", ["/create", "/archive", "/start"])
def test_reason_of_docker_is_shown_without_the_values_it_was_given(refused: str) -> None:
    message = 'poorly formatted environment: "line-three", PASSWORD=canary\x1b[0m'
    remote = double(Host(refuses={refused: message}))
    found = replace(TRIAL, files={"/etc/app.conf": "text"}).problem(remote)
    assert found == 'poorly formatted environment: "[secret]", PASSWORD=[secret]'
    assert ("rm" in [command[0] for command in remote.commands]) is (refused != "/create")


def test_connection_that_is_lost_is_a_reason_without_secrets() -> None:
    remote = double(Host())

    def lost(_method: str, _path: str) -> ApiAnswer:
        raise RemoteDockerError("connection closed while sending PASSWORD=canary")

    assert TRIAL.problem(replace(remote, api=lost)) == "connection closed while sending PASSWORD=[secret]"


def test_container_of_somebody_else_under_the_name_of_the_trial_is_left_alone() -> None:
    for labels in ({}, {"gitlab-deploy.trial": OWNER, "gitlab-deploy.id": "other"}, {"gitlab-deploy.id": "own-id"}):
        remote = double(Host(beside=({"Names": ["/web-prod-trial"], "Labels": labels},)))
        assert TRIAL.problem(remote) == (
            "the name web-prod-trial, under which an image is tried out, is taken by a container that this stack did "
            "not create; rename it or remove it with 'docker stop web-prod-trial && docker rm web-prod-trial'"
        )
        assert "rm" not in [command[0] for command in remote.commands]
        assert len(remote.requests) == 1


def test_trial_that_a_killed_run_left_behind_is_removed_by_its_id() -> None:
    labels = {"gitlab-deploy.trial": OWNER, "gitlab-deploy.id": "own-id"}
    left: dict[str, object] = {"Id": "b" * 64, "Names": ["/web-prod-trial"], "Labels": labels}
    remote = double(Host(beside=(left,)))
    assert TRIAL.problem(remote) is None
    assert [command for command in remote.commands if command[0] == "rm"] == [
        ("rm", "--force", "b" * 64),
        ("rm", "--force", MADE),
    ]
