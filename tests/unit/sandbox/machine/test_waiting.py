"""Waiting ends with the condition, the deadline or the first error."""

import threading
from types import SimpleNamespace

import pytest

from sandbox.machine import waiting
from sandbox.machine.waiting import run_parallel, wait
from sandbox.sandbox_error import SandboxError


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock that goes on when somebody sleeps, and only then."""
    clock = [100.0]

    def sleep(seconds: float) -> None:
        clock[0] += seconds

    monkeypatch.setattr(waiting, "time", SimpleNamespace(monotonic=lambda: clock[0], sleep=sleep))
    return clock


def test_waiting_ends_as_soon_as_the_condition_holds(now: list[float]) -> None:
    assert wait(lambda: now[0] >= 103, 60)
    assert now[0] == pytest.approx(103, abs=0.1)


def test_waiting_ends_at_the_deadline_and_not_before(now: list[float]) -> None:
    assert not wait(lambda: False, 5)
    assert now[0] == pytest.approx(105, abs=0.1)


def test_parts_run_at_the_same_time() -> None:
    barrier = threading.Barrier(3, timeout=60)
    run_parallel(barrier.wait, barrier.wait, barrier.wait)
    assert not barrier.broken


def test_the_first_error_is_raised_without_waiting_for_the_rest() -> None:
    release, released = threading.Event(), threading.Event()

    def hang() -> None:
        release.wait()
        released.set()

    def fail() -> None:
        raise SandboxError("broken")

    with pytest.raises(SandboxError, match="broken"):
        run_parallel(hang, fail)
    assert not released.is_set()
    release.set()
    assert released.wait(60)
