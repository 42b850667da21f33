"""What the arguments of processes say while something runs, which every user of a machine can read."""

from contextlib import suppress
from pathlib import Path

from tests.support.background import Background


class Arguments(Background):
    """Collects the command line of every process of the machine, until the end of the block."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()

    def _run(self) -> None:
        while not self._end.wait(0.02):
            for file in Path("/proc").glob("[0-9]*/cmdline"):
                with suppress(OSError):
                    self.seen.add(file.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
