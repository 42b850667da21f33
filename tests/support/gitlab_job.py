"""A pipeline that runs: what it printed so far, how it ended, and its end by force."""

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.support.job_variables import dotenv_problems
from tests.support.processes import descendants

TIMEOUT_SECONDS = 900
"""How long a pipeline may run; a machine that other tests keep busy takes a few minutes for one."""


@dataclass(frozen=True, kw_only=True)
class Pipeline:
    """What a pipeline did."""

    code: int
    log: str
    """All that its jobs printed, as the runner got it: not masked yet."""
    masked: str
    """The log as GitLab stores it."""


class Job(subprocess.Popen[str]):
    """A pipeline that runs."""

    def __init__(
        self,
        command: list[str],
        *,
        cwd: Path,
        env: dict[str, str],
        log: Path,
        stored: Callable[[str], str],
        over: Callable[[], None],
    ) -> None:
        """`stored` turns what it printed into what GitLab stores; `over` is called once it has ended."""
        self.file = log
        self.stored = stored
        self.over = over
        self.reports = cwd / ".gitlab-ci-local" / "artifacts"
        with log.open("w") as output:
            super().__init__(
                command, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, text=True
            )

    def log(self) -> str:
        return self.file.read_text(errors="replace")

    def end(self) -> Pipeline:
        """Waits for it. AssertionError for what GitLab would refuse of its reports, and if it takes too long."""
        try:
            code = self.wait(TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            self.crash()
            raise AssertionError(f"it ran for more than {TIMEOUT_SECONDS} s:\n{self.stored(self.log())}") from None
        except BaseException:
            self.crash()
            raise
        self.over()
        for report in self.reports.glob("*/.gitlab-ci-reports/dotenv/*"):
            assert not dotenv_problems(report.read_text()), f"{report.name}: {dotenv_problems(report.read_text())}"
        log = self.log()
        return Pipeline(code=code, log=log, masked=self.stored(log))

    def crash(self) -> None:
        """Ends every process of it at once, as a runner that loses its machine."""
        # Stopped first: a process that is killed alone leaves its children to another parent.
        for pid in self._stop():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.wait()
        self.over()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """While the context lasts, none of its processes goes on."""
        stopped = self._stop()
        try:
            yield
        finally:
            for pid in stopped:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)

    def _stop(self) -> set[int]:
        """Stops all of its processes, those too that are started meanwhile."""
        stopped: set[int] = set()
        while running := {self.pid, *descendants(self.pid)} - stopped:
            for pid in running:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGSTOP)
            stopped |= running
        return stopped
