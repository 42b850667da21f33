"""Every long step says that it begins, that it goes on, and how long it took."""

import itertools
import threading
from types import SimpleNamespace

import pytest

from sandbox.machine import progress


def test_a_long_step_is_announced_and_its_time_printed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "time", SimpleNamespace(monotonic=itertools.count(100, 2.5).__next__))
    with progress.step("builds", "built", "pulumi CLI", expected="about 4 min"):
        pass
    begun, done = capsys.readouterr().out.splitlines()
    assert begun.split() == ["builds", "pulumi", "CLI", "(about", "4", "min)"]
    assert done.split() == ["built", "pulumi", "CLI", "2.5", "s"]
    assert begun.index("pulumi") == done.index("pulumi")


def test_a_short_step_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with progress.step("starts", "running", "registry"):
        pass
    assert len(capsys.readouterr().out.splitlines()) == 1


def test_a_step_that_lasts_shows_signs_of_life(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "TICK", 0.01)
    ticked = threading.Event()
    note = progress.note

    def watch(word: str, what: str, remark: str = "") -> None:
        note(word, what, remark)
        if "so far" in remark:
            ticked.set()

    monkeypatch.setattr(progress, "note", watch)
    with progress.step("builds", "built", "pulumi CLI", expected="about 4 min"):
        assert ticked.wait(10)
    assert "so far" in capsys.readouterr().out.splitlines()[1]


def test_a_step_that_fails_is_not_called_done(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match="broken"), progress.step("builds", "built", "pulumi CLI", expected="4 min"):
        raise ValueError("broken")
    assert "built" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.04, "0.0 s"), (9.94, "9.9 s"), (9.96, "10 s"), (59.4, "59 s"), (59.6, "1 min 00 s"), (182, "3 min 02 s")],
)
def test_times_read_as_people_say_them(seconds: float, words: str) -> None:
    assert progress.duration(seconds) == words
