import asyncio
import json
import subprocess
from collections.abc import Iterator

import pytest

from components.docker_app.crash_loop import end_crash_loop
from tests.support.docker_double import DockerDouble, done


@pytest.fixture(autouse=True)
def slept(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    made: list[float] = []

    async def sleep(seconds: float) -> None:
        made.append(seconds)
        assert len(made) < 20, "watches for ever"

    with monkeypatch.context() as patch:
        patch.setattr("components.docker_app.crash_loop.asyncio.sleep", sleep)
        yield made


def watch(*states: str) -> tuple[DockerDouble, list[str]]:
    """Watches a container whose restarts and health are these, one after the other."""
    left, reported = list(states), list[str]()

    def answer(*arguments: str) -> subprocess.CompletedProcess[str]:
        if arguments[0] == "logs":
            return done(arguments, "2026-11-24T11:00:00Z no settings for canary\n")
        if "{{json .State}}" in arguments:
            return done(arguments, json.dumps({"Status": "restarting", "ExitCode": 1}))
        return done(arguments, left.pop(0) if left else "")

    remote = DockerDouble(answer=answer)
    asyncio.run(end_crash_loop(remote, "app-new", ("canary",), reported.append))
    return remote, reported


def test_container_that_crash_loops_shows_its_log_without_secrets_and_is_removed() -> None:
    # There is no such container yet; it starts; it exits and is restarted, again and again.
    remote, reported = watch("", "0 starting", "2 starting", "3 starting")
    assert reported == [
        "Container app-new crash-loops, and is not waited for:\n"
        "Container app-new: restarting, exit 1, no health check\n"
        "  log: no settings for [secret]"
    ]
    assert remote.commands[-1] == ("rm", "--force", "app-new")


def test_container_that_gets_healthy_is_left_alone(slept: list[float]) -> None:
    remote, reported = watch("0 starting", "1 unhealthy", "1 healthy")
    assert reported == []
    assert "rm" not in [command[0] for command in remote.commands]
    assert slept == [1.0] * 3
