"""Which programs a run has started, counted where they are: what is on PATH under their names notes it down."""

import shlex
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.support.programs import program

PROGRAMS = ("docker", "git", "kubectl", "ssh")


class Started:
    """Programs that note down that they were started, and are then the ones that they stand before."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        """Those of PATH in this environment; `environment` is then the one to run something in."""
        self._notes = folder / "started"
        self.environment = {**environment, "PATH": f"{folder}:{environment['PATH']}"}
        for name in PROGRAMS:
            own = shutil.which(name, path=environment["PATH"])
            if own:
                note = f"printf '%s\\n' \"{name} $*\" >>{shlex.quote(str(self._notes))}"
                program(folder, name, f'{note}\nexec {shlex.quote(own)} "$@"')

    @contextmanager
    def counted(self) -> Iterator[Counter[str]]:
        """Counts what is started in the block, by program and what that is to do; the counts are there after it."""
        counts: Counter[str] = Counter()
        self._notes.write_text("")
        yield counts
        counts.update(map(_kind, self._notes.read_text().splitlines()))


def _kind(line: str) -> str:
    """The program, its subcommand, and --raw or --filename, which kubectl reads other things with."""
    name, *words = line.split()
    subcommand = next((word for word in words if not word.startswith("-")), "")
    how = [word for word in words if word in {"--raw", "--filename"}]
    return " ".join((name, subcommand, *how))
