import asyncio
import json
import subprocess
from dataclasses import dataclass, field, replace
from typing import Any

import pulumi
import pytest

from components.docker_app.docker_app import DockerApp, DockerAppArgs, Publish
from components.docker_app.ssh import DockerHost
from components.docker_app.trial import Trial
from components.image.reference import ImageReference
from tests.support.recorder import Recorder, deploy

OUTPUTS = {"docker:index/remoteImage:RemoteImage": {"imageId": "sha256:1"}}


@dataclass(frozen=True, kw_only=True)
class Told(DockerHost):
    """A Docker host that is told what to do, and does nothing."""

    commands: list[tuple[str, ...]] = field(default_factory=list)
    running: int = 1
    owner: str = "gitlab-deploy/prod/web-prod"
    """Whose the container app-new is."""
    refuses: str = ""
    beside: str = ""
    """Id of the image of the container that is to be stopped."""

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        self.commands.append(arguments)
        if self.refuses:
            return subprocess.CompletedProcess(arguments, 255, stdout="", stderr=self.refuses)
        if "{{if .State.Running}}{{.Image}}{{end}}" in arguments:
            return subprocess.CompletedProcess(arguments, 0, stdout=self.beside, stderr="")
        failed = {"ExitCode": 1, "Output": "refused\n"}
        answers = {
            "inspect": json.dumps({"Status": "running", "Health": {"Status": "unhealthy", "Log": [failed]}}),
            "logs": "2026-11-23T09:00:02Z last words\n2026-11-23T09:00:01Z first\n",
            "ps": f"id\tapp-new\t{self.owner}\t\n" if "--all" in arguments else "id\n" * self.running,
            "version": "1.41",
        }
        return subprocess.CompletedProcess(arguments, 0, stdout=answers.get(arguments[0], ""), stderr="")


HOST = Told(address="ssh://deploy@host", host_key="ssh-ed25519 AAAA")
ARGS = DockerAppArgs(
    daemon=HOST,
    name="web-prod",
    owner="gitlab-deploy/prod/web-prod",
    image=ImageReference.parse("registry.example.com/group/blog:1.0.0"),
    port=8080,
    health_check=("wget", "-q", "http://127.0.0.1:8080/"),
    host="blog.example.org",
    environment={"PASSWORD": "canary"},
)


def app(**changes: Any) -> Recorder:
    return deploy(lambda: DockerApp("app", replace(ARGS, **changes)).container, OUTPUTS)


def container(run: Recorder) -> Any:
    return run.one("docker:index/container:Container").inputs


def labels(run: Recorder) -> dict[str, str]:
    return {item["label"]: item["value"] for item in container(run)["labels"]}


def test_container_is_hardened_and_starts_again_by_itself() -> None:
    inputs = container(app())
    assert inputs["restart"] == "always"
    assert inputs["readOnly"] is True
    assert inputs["capabilities"] == {"drops": ["ALL"]}
    assert inputs["securityOpts"] == ["no-new-privileges:true"]
    assert inputs["memory"] == inputs["memorySwap"] == 256
    assert inputs["logOpts"] == {"max-size": "10m", "max-file": "3"}
    assert inputs["destroyGraceSeconds"] == 30


def test_behind_the_proxy_the_container_has_no_fixed_name_and_no_port() -> None:
    inputs = container(app())
    assert "name" not in inputs
    assert inputs.get("ports", []) == []
    assert inputs["networksAdvanced"] == [{"name": "traefik"}]


def test_published_port_is_on_loopback_unless_said_otherwise_and_takes_a_fixed_name() -> None:
    inputs = container(app(host=None, publish=Publish(port=80)))
    assert inputs["ports"] == [{"internal": 8080, "external": 80, "ip": "127.0.0.1"}]
    assert inputs["name"] == "web-prod"
    assert "traefik.enable" not in labels(app(host=None, publish=Publish(port=80)))


def test_on_a_published_port_an_image_that_does_not_get_healthy_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[Trial] = []

    def problem(trial: Trial, _: DockerHost) -> str:
        tried.append(trial)
        return "exited, exit 1"

    monkeypatch.setattr(Trial, "problem", problem)
    published = {"host": None, "publish": Publish(port=80), "files": {"/etc/app.conf": "text"}}
    with pytest.raises(pulumi.RunError, match="web-prod was not stopped for it, and serves on:\nexited"):
        app(**published)
    assert tried == [
        Trial(
            beside="web-prod",
            image="sha256:1",
            health_check=ARGS.health_check,
            memory=256,
            seconds=60,
            environment={"PASSWORD": "canary"},
            files={"/etc/app.conf": "text"},
            writable=("/tmp",),
        )
    ]
    # A trial could not have its volumes, and behind the proxy the old container goes last.
    app(**published, volumes={"/data": "data"})
    app()
    assert len(tried) == 1


def test_new_container_has_to_be_healthy() -> None:
    inputs = container(app(wait_seconds=90))
    assert inputs["wait"] is True
    assert inputs["waitTimeout"] == 90
    # A start period would slow the checks down to one in five seconds (Docker 25 and newer).
    assert inputs["healthcheck"] == {
        "tests": ["CMD", "wget", "-q", "http://127.0.0.1:8080/"],
        "interval": "800ms",
        "timeout": "5s",
        "retries": 2,
    }


def test_root_filesystem_is_read_only_but_where_files_are_put_into_it() -> None:
    inputs = container(app(files={"/etc/app.conf": "text"}))
    assert inputs["uploads"] == [{"file": "/etc/app.conf", "content": "text"}]
    assert inputs["readOnly"] is False


def test_environment_is_secret() -> None:
    declared = app().one("docker:index/container:Container")
    assert declared.secret == {"envs"}
    assert declared.inputs["envs"] == ["PASSWORD=canary"]


def test_route_names_change_with_the_route_and_with_nothing_else() -> None:
    first = labels(app())
    assert first["gitlab-deploy.stack"] == "gitlab-deploy/prod/web-prod"
    assert first["traefik.enable"] == "true"
    [router] = [key for key in first if key.endswith(".rule")]
    assert first[router] == "Host(`blog.example.org`)"
    assert labels(app(image=ImageReference.parse("blog:2"), memory=512)) == first
    assert router not in labels(app(host="other.example.org"))
    assert router not in labels(app(port=9000))


def fail_to_create(daemon: Told) -> None:
    hook = app(daemon=daemon).hooks["app-failed"]
    args = pulumi.ErrorHookArgs("urn", "", "app", "type", new_inputs={"name": "app-new"}, failed_operation="create")

    async def call() -> bool:
        answer: bool = hook(args)
        return answer

    assert asyncio.run(call()) is False


def test_failed_container_is_shown_and_removed_and_no_other(caplog: pytest.LogCaptureFixture) -> None:
    daemon = replace(HOST, commands=[])
    fail_to_create(daemon)
    assert daemon.commands[-1] == ("rm", "--force", "app-new")
    assert "app-new: running, unhealthy\n" in caplog.text
    assert "health check: exit 1, refused\n" in caplog.text
    # In the order in which it was said, whether on stdout or on stderr.
    assert "log: first\n  log: last words\n" in caplog.text


def test_container_that_was_in_the_way_is_somebody_elses_and_stays() -> None:
    daemon = replace(HOST, commands=[], owner="")
    fail_to_create(daemon)
    assert "rm" not in [command[0] for command in daemon.commands]


def test_host_that_is_lost_while_a_container_is_made_is_named(caplog: pytest.LogCaptureFixture) -> None:
    fail_to_create(replace(HOST, commands=[], refuses="connect to host host port 22: Connection refused"))
    assert (
        "The Docker host ssh://deploy@host cannot be used: nothing listens on that port; check the port, and that sshd "
        "runs; what there is of the container app-new is replaced by the next 'pulumi up'"
    ) in caplog.text


def test_failed_deletion_removes_nothing() -> None:
    daemon = replace(HOST, commands=[])
    hook = app(daemon=daemon).hooks["app-failed"]
    assert hook(pulumi.ErrorHookArgs("urn", "id", "app", "type", failed_operation="delete")) is False
    assert daemon.commands == []


@pytest.mark.parametrize(("running", "slept"), [(1, []), (2, [3])])
def test_new_container_runs_beside_the_old_one_until_the_proxy_knows_it(
    monkeypatch: pytest.MonkeyPatch, running: int, slept: list[int]
) -> None:
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    hook = app(daemon=replace(HOST, running=running)).hooks["app-settle"]
    monkeypatch.setattr(asyncio, "sleep", sleep)
    asyncio.run(hook.callback(None))
    assert waited == slept


@pytest.mark.parametrize(
    ("registry", "login"), [("registry.example.com", ("reader", "canary")), ("registry.example.co", None)]
)
def test_image_that_is_not_pulled_is_asked_for_once_more_with_the_login_of_its_own_registry(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, registry: str, login: tuple[str, str] | None
) -> None:
    asked = []

    def refuse(_: DockerHost, image: str, login: tuple[str, str] | None) -> str | None:
        asked.append((image, login))
        return None if len(asked) == 1 else "no space left on device"

    monkeypatch.setattr("components.docker_app.docker_app.refusal", refuse)
    hook = app(logins=[{"address": registry, "username": "reader", "password": "canary"}]).hooks["app-not-pulled"]
    errors: list[str] = []
    for again in (True, False):
        errors.insert(0, "unable to find or pull image")
        args = pulumi.ErrorHookArgs("urn", "", "app", "type", failed_operation="create", errors=errors)
        assert asyncio.run(hook.callback(args)) is again
    assert asked == [(str(ARGS.image), login)] * 2
    assert "no space left on device" in caplog.text
    assert "canary" not in caplog.text
