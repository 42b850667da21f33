"""Rollouts in tests that have no cluster."""

from collections.abc import Callable

import pytest

from components.rollout.rollout import Rollout


@pytest.fixture(autouse=True)
def rollouts(monkeypatch: pytest.MonkeyPatch) -> list[Rollout]:
    """The rollouts that were waited for, with no cluster: each is there at once."""
    waited: list[Rollout] = []

    async def wait(self: Rollout, _tell: Callable[[str], object]) -> None:
        waited.append(self)

    monkeypatch.setattr(Rollout, "wait", wait)
    return waited
