import asyncio
import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from components.docker_app.crash_loop import end_crashing
from components.docker_app.ssh import DockerHost


@dataclass(frozen=True, kw_only=True)
class Seen(DockerHost):
    """A Docker host on which a container is seen as these lines have it, one after the other."""

    lines: list[str] = field(default_factory=list)
    commands: list[tuple[str, ...]] = field(default_factory=list)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        self.commands.append(arguments)
        if arguments[0] == "logs":
            return subprocess.CompletedProcess(arguments, 0, stdout="2026-11-24T11:00:00Z no settings\n", stderr="")
        if "{{json .State}}" in arguments:
            state = {"Status": "restarting", "ExitCode": 1}
            return subprocess.CompletedProcess(arguments, 0, stdout=json.dumps(state), stderr="")
        return subprocess.CompletedProcess(arguments, 0, stdout=self.lines.pop(0) if self.lines else "", stderr="")


@pytest.fixture(autouse=True)
def slept(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    made: list[float] = []

    async def sleep(seconds: float) -> None:
        made.append(seconds)
        assert len(made) < 20, "watches for ever"

    with monkeypatch.context() as patch:
        patch.setattr("components.docker_app.crash_loop.asyncio.sleep", sleep)
        yield made


def watch(*lines: str) -> tuple[Seen, list[str]]:
    host, told = Seen(address="ssh://deploy@host", host_key="ssh-ed25519 AAAA", lines=list(lines)), list[str]()
    asyncio.run(end_crashing(host, "app-new", told.append))
    return host, told


def test_container_that_crashes_tells_its_last_words_and_is_removed() -> None:
    # There is no such container yet; it starts; it ends again and again.
    host, told = watch("", "0 starting", "2 starting", "3 starting")
    assert told == [
        "Container app-new ends again and again, and is not waited for:\n"
        "Container app-new: restarting, exit 1, no health check\n"
        "  log: no settings"
    ]
    assert host.commands[-1] == ("rm", "--force", "app-new")


def test_container_that_gets_healthy_is_left_alone(slept: list[float]) -> None:
    host, told = watch("0 starting", "1 unhealthy", "1 healthy")
    assert told == []
    assert "rm" not in [command[0] for command in host.commands]
    assert slept == [1.0] * 3
