"""What the arguments of processes say while something runs, which every user of a machine can read."""

import itertools
import os
from contextlib import suppress
from pathlib import Path

from tests.support.background import Background

_POLL_SECONDS = 0.02
_AT_START = 25
"""How often in a row a process is looked at after its start, at which it becomes another program."""
_EVERY = 100
"""At every so many looks all processes are looked at: a shell may become another program later."""


class Arguments(Background):
    """Collects the command line of every process of the machine, until the end of the block."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()

    def _run(self) -> None:
        looks: dict[str, int] = {}
        for number in itertools.count():
            with os.scandir("/proc") as entries:
                pids = [entry.name for entry in entries if entry.name.isdigit()]
            looks = {pid: looks.get(pid, 0) + 1 for pid in pids}
            for pid in pids:
                if looks[pid] <= _AT_START or number % _EVERY == 0:
                    with suppress(OSError):
                        line = Path("/proc", pid, "cmdline").read_bytes()
                        self.seen.add(line.replace(b"\0", b" ").decode(errors="replace"))
            if self._end.wait(_POLL_SECONDS):
                return
