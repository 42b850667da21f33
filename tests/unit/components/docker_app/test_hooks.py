import asyncio
import json
import subprocess
from typing import Any

import pulumi
import pytest

from components.docker_app.remote_docker import ApiAnswer, RemoteDocker
from tests.support.docker_application import ARGS, declare
from tests.support.docker_double import DockerDouble, done, listed

NEW = "c" * 64


def host(identity: str = ARGS.identity, running: int = 1, refuses: str = "") -> DockerDouble:
    """A Docker host on which the container `app-new` of this stack is unhealthy."""

    def answer(*arguments: str) -> subprocess.CompletedProcess[str]:
        if refuses:
            return done(arguments, stderr=refuses, code=255)
        health = {"Status": "unhealthy", "Log": [{"ExitCode": 1, "Output": "refused\n"}]}
        answers = {
            "inspect": json.dumps({"Status": "running", "Health": health}),
            "logs": "2026-11-23T09:00:02Z last line with canary\n2026-11-23T09:00:01Z \x1b[1mfirst\n",
            "ps": "id\n" * running,
            "version": "1.41",
        }
        return done(arguments, answers.get(arguments[0], ""))

    def api(method: str, _path: str) -> ApiAnswer:
        if method != "GET":
            return ApiAnswer(status=204, body="")
        return listed(
            {
                "Id": NEW,
                "Names": ["/app-new"],
                "Labels": {"gitlab-deploy.id": identity, "gitlab-deploy.stack": ARGS.owner},
            }
        )

    return DockerDouble(answer=answer, api=api)


def call(hook: Any, **event: Any) -> Any:
    return asyncio.run(hook.callback(pulumi.ErrorHookArgs("urn", "", "app", "type", **event)))


def fail_to_create(remote: DockerDouble) -> None:
    hook = declare(remote=remote).hooks["app-failed"]
    assert call(hook, new_inputs={"name": "app-new"}, failed_operation="create") is False


def test_failed_container_is_shown_without_secrets_and_removed_by_its_id(caplog: pytest.LogCaptureFixture) -> None:
    remote = host()
    fail_to_create(remote)
    assert remote.requests[-2:] == [
        ("POST", f"/containers/{NEW}/stop?t=30"),
        ("DELETE", f"/containers/{NEW}?force=true"),
    ]
    assert "app-new: running, unhealthy\n" in caplog.text
    assert "health check: exit 1, refused\n" in caplog.text
    # In the order of the times, from stdout or stderr.
    assert "log: first\n  log: last line with [secret]\n" in caplog.text


def test_container_of_somebody_else_that_was_in_the_way_stays() -> None:
    for identity in ("", "of-another-clone"):
        remote = host(identity=identity)
        fail_to_create(remote)
        assert "rm" not in [command[0] for command in remote.commands]
        assert {method for method, _ in remote.requests} == {"GET"}


def test_host_that_is_lost_during_a_create_is_named(caplog: pytest.LogCaptureFixture) -> None:
    fail_to_create(host(refuses="connect to host host port 22: Connection refused"))
    assert (
        "The Docker host ssh://deploy@host cannot be used: nothing listens on that port; check the port, and that sshd "
        "runs; what there is of the container app-new is replaced by the next 'pulumi up'"
    ) in caplog.text


def test_failed_deletion_removes_nothing() -> None:
    remote = host()
    assert call(declare(remote=remote).hooks["app-failed"], failed_operation="delete") is False
    assert remote.commands == []


@pytest.mark.parametrize(
    ("registry", "login"), [("registry.example.com", ("reader", "canary")), ("registry.example.co", None)]
)
def test_image_that_is_not_pulled_is_asked_for_with_the_login_of_its_registry(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, registry: str, login: tuple[str, str] | None
) -> None:
    asked = []

    def refuse(_: RemoteDocker, image: str, login: tuple[str, str] | None) -> str | None:
        asked.append((image, login))
        return None if len(asked) == 1 else "no space left on device"

    monkeypatch.setattr("components.docker_app.hooks.pull_problem", refuse)
    hook = declare(logins=[{"address": registry, "username": "reader", "password": "canary"}]).hooks["app-not-pulled"]
    errors: list[str] = []
    for again in (True, False):
        errors.insert(0, "unable to find or pull image")
        assert call(hook, failed_operation="create", errors=errors) is again
    assert asked == [(str(ARGS.image), login)] * 2
    assert "no space left on device" in caplog.text
    assert "canary" not in caplog.text


def test_what_the_provider_waits_for_is_said_until_it_is_over(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    hooks = declare(remote=host()).hooks

    async def create() -> None:
        for name, inputs in (
            ("pull", {}),
            ("pulled", {}),
            ("watch", {"name": "app-new"}),
            ("created", {"name": "app-new"}),
        ):
            await hooks[f"app-{name}"].callback(pulumi.ResourceHookArgs("urn", "", "app", "type", new_inputs=inputs))
        await asyncio.sleep(0)

    asyncio.run(create())
    where = ARGS.target.address
    said = [record.message for record in caplog.records if record.message.startswith(where)]
    assert said[-4:] == [
        f"{where}: pulling {ARGS.image}",
        f"{where}: pulled {ARGS.image}",
        f"{where}: app-new starts, waiting until it is healthy",
        f"{where}: app-new is healthy",
    ]
