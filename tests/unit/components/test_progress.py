"""What a run says while it waits."""

import asyncio
from typing import Any

import pytest

from components import progress
from components.progress import Progress

SECONDS = 30
"""So long at most a test waits for what has to be said."""


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "REPEATED_SECONDS", 0.0)


def test_a_wait_says_what_it_is_for_once_and_again_while_it_lasts() -> None:
    said: list[str] = []

    async def wait() -> None:
        repeated = asyncio.Event()

        def tell(text: str) -> None:
            said.append(text)
            if len(said) == 3:
                repeated.set()

        async with asyncio.timeout(SECONDS), Progress(tell) as told:
            told.say("1 of 3 Pods ready")
            told.say("1 of 3 Pods ready")
            assert said == ["1 of 3 Pods ready"]
            await repeated.wait()
            told.say("2 of 3 Pods ready")
        ended = len(said)
        for _ in range(5):
            await asyncio.sleep(0.001)
        assert len(said) == ended

    asyncio.run(wait())
    assert said[1:3] == ["1 of 3 Pods ready (0 s)"] * 2
    assert "2 of 3 Pods ready" in said


def test_a_wait_that_is_over_says_what_came_of_it() -> None:
    said: list[str] = []

    async def wait() -> None:
        told = Progress(said.append)
        told.say("pulling")
        told.stop("pulled")
        await asyncio.sleep(0.001)

    asyncio.run(wait())
    assert said == ["pulling", "pulled"]


def test_a_wait_that_is_for_nothing_yet_says_nothing() -> None:
    said: list[str] = []

    async def wait() -> None:
        async with Progress(said.append):
            await asyncio.sleep(0.001)

    asyncio.run(wait())
    assert said == []


def test_no_wait_is_silent_for_five_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    pauses: list[float] = []

    async def wait() -> None:
        loop, repeated = asyncio.get_running_loop(), asyncio.Event()
        real = loop.call_later

        def call_later(delay: float, *rest: Any) -> asyncio.TimerHandle:
            pauses.append(delay)
            if len(pauses) == 3:
                repeated.set()
            return real(0.0, *rest)

        monkeypatch.setattr(loop, "call_later", call_later)
        async with asyncio.timeout(SECONDS), Progress(lambda _: None) as told:
            told.say("0 of 3 Pods ready")
            await repeated.wait()

    asyncio.run(wait())
    assert max(pauses) < 5
