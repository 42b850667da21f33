from pathlib import Path

import pytest

from sandbox.machine.waiting import wait
from tests.support import gitlab_job
from tests.support.gitlab_job import Job
from tests.support.processes import descendants, runs

SECONDS = 60


def job(folder: Path, script: str) -> tuple[Job, list[str]]:
    """A job that runs a script of the shell, and what was said of its end."""
    over: list[str] = []
    made = Job(
        ["sh", "-c", script],
        cwd=folder,
        env={"PATH": "/usr/bin:/bin"},
        log=folder / "job.log",
        stored=lambda log: log.replace("secret", "[MASKED]"),
        over=lambda: over.append("over"),
    )
    return made, over


def test_a_pipeline_ends_with_its_code_and_both_of_its_logs(tmp_path: Path) -> None:
    made, over = job(tmp_path, "echo secret; exit 3")
    done = made.end()
    assert (done.code, done.log, done.masked) == (3, "secret\n", "[MASKED]\n")
    assert over == ["over"]


def test_a_pipeline_that_takes_too_long_is_ended_with_all_that_it_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, over = job(tmp_path, "echo secret; sh -c 'sleep 600 & sleep 600' & wait")
    assert wait(lambda: len(descendants(made.pid)) == 3, SECONDS)
    started = descendants(made.pid)
    monkeypatch.setattr(gitlab_job, "TIMEOUT_SECONDS", 0.1)
    with pytest.raises(AssertionError) as caught:
        made.end()
    assert "[MASKED]" in str(caught.value)
    assert "secret" not in str(caught.value)
    assert wait(lambda: not any(runs(pid) for pid in (made.pid, *started)), SECONDS)
    assert over == ["over"]


def test_a_test_that_is_interrupted_leaves_no_pipeline_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made, over = job(tmp_path, "exec sleep 600")
    waited = made.wait
    interrupted = iter([KeyboardInterrupt])

    def wait_once(timeout: float | None = None) -> int:
        for problem in interrupted:
            raise problem
        return waited(timeout)

    monkeypatch.setattr(made, "wait", wait_once)
    with pytest.raises(KeyboardInterrupt):
        made.end()
    assert not runs(made.pid)
    assert over == ["over"]


def test_a_paused_pipeline_does_nothing_and_goes_on_afterwards(tmp_path: Path) -> None:
    (tmp_path / "go").touch()
    made, _ = job(tmp_path, "while [ -e go ]; do :; done; touch gone")
    with made.paused():
        (tmp_path / "go").unlink()
        assert made.poll() is None
        assert not (tmp_path / "gone").exists()
    assert made.end().code == 0
    assert (tmp_path / "gone").exists()
