import asyncio
import json
from typing import Any

import pytest

from components.compose import waiting
from components.compose.waiting import Waiting
from components.docker_app.remote_docker import ApiAnswer
from tests.support.docker_double import DockerDouble, done

NOW, EARLIER = ("2026-01-01T08:00:03.258090228Z", "2026-01-01T08:00:00.25Z")


def problem(
    *states: dict[str, Any], completes: bool = False, may_end: bool = False, seconds: float = 60, restarts: int = 0
) -> list[str]:
    """Why a container with these states, one at each look and then the last for ever, does not serve."""
    following = iter(states)
    last: dict[str, Any] = {}

    def api(_method: str, path: str) -> ApiAnswer:
        if path == "/info":
            return ApiAnswer(status=200, body=json.dumps({"SystemTime": NOW}))
        last.update(next(following, last))
        state = {"Status": "running", "StartedAt": NOW, "ExitCode": 0, **last}
        return ApiAnswer(status=200, body=json.dumps({"State": state, "RestartCount": restarts}))

    def answer(*arguments: str) -> Any:
        if arguments[0] == "inspect":
            return done(arguments, stdout=json.dumps(last))
        return done(arguments, stdout="2026-01-01 last line\n")

    docker = DockerDouble(api=api, answer=answer)
    return asyncio.run(
        Waiting(remote=docker, container="c1", seconds=seconds, completes=completes, may_end=may_end).problem()
    )


@pytest.fixture(autouse=True)
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "_POLL_SECONDS", 0.001)
    monkeypatch.setattr(waiting, "SETTLED_SECONDS", 0.05)


HEALTHY, STARTING = ({"Health": {"Status": status}} for status in ("healthy", "starting"))


def test_a_container_with_a_health_check_serves_once_it_is_healthy() -> None:
    assert problem(STARTING, STARTING, HEALTHY) == []
    assert problem(STARTING, {"Health": {"Status": "unhealthy"}}, HEALTHY) == []


def test_one_that_does_not_get_healthy_in_time_shows_its_last_log_lines() -> None:
    lines = problem(STARTING, seconds=0.01)
    assert lines[-1] == "  log: last line"


def test_one_without_a_health_check_serves_once_it_has_run_for_a_while() -> None:
    assert problem({}) == []


def test_for_how_long_it_has_run_is_seen_by_the_clock_of_its_host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "SETTLED_SECONDS", 3.0)
    assert problem({"StartedAt": EARLIER}, seconds=0) == []
    assert problem({"StartedAt": NOW}, seconds=0) != []


def test_it_is_seen_at_once_that_one_has_run_for_long_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    sleep = asyncio.sleep

    async def paused(seconds: float) -> None:
        pauses.append(seconds)
        await sleep(seconds)

    monkeypatch.setattr(asyncio, "sleep", paused)
    monkeypatch.setattr(waiting, "_POLL_SECONDS", 60)
    assert problem({}) == []
    assert pauses
    assert max(pauses) <= waiting.SETTLED_SECONDS


def test_a_crash_loop_is_not_waited_for() -> None:
    assert problem({}, restarts=3) != []


def test_what_runs_to_its_end_has_to_end_well_however_long_it_takes() -> None:
    running = [{"Status": "running"}] * 20
    assert problem(*running, {"Status": "exited"}, completes=True, seconds=0.001) == []
    assert problem({"Status": "exited", "ExitCode": 3}, completes=True)[-1] == "  log: last line"


def test_what_nothing_starts_again_may_be_over() -> None:
    assert problem({"Status": "exited"}, may_end=True) == []
    assert problem({"Status": "exited", "ExitCode": 1}, may_end=True) != []
    assert problem({"Status": "exited"}) != []


def test_a_container_that_is_gone_is_said_to_be() -> None:
    info, missing = (
        ApiAnswer(status=200, body=json.dumps({"SystemTime": NOW})),
        ApiAnswer(status=404, body='{"message": "no"}'),
    )
    docker = DockerDouble(api=lambda _, path: info if path == "/info" else missing)
    waits = Waiting(remote=docker, container="c1", seconds=1, completes=False)
    assert asyncio.run(waits.problem()) == ["it does not exist any more"]
