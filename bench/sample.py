"""One run of one command: what it took, and what of several runs is shown."""

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.counts import Counts, Servers

TIMEOUT_SECONDS = 1800
"""For one command; three hundred applications take the longest."""
_PROCESS_TREE = Path(__file__).with_name("process_tree.py")


class BenchError(Exception):
    """A measurement that cannot be made: one sentence, with the end of what the command printed."""


@dataclass(frozen=True, kw_only=True)
class Sample:
    """What a command took, with every process below it."""

    begun: float
    """Seconds since the epoch."""
    wall: float
    cpu: float
    """User and system time of all its processes, in seconds."""
    memory: int
    """The largest sum of resident memory of its processes, in bytes."""
    counts: Counts = field(default_factory=Counts)
    output: str = ""
    extra: Mapping[str, float] = field(default_factory=dict)
    """Further figures, by name."""

    @property
    def ended(self) -> float:
        """Seconds since the epoch."""
        return self.begun + self.wall


def measure(
    command: Sequence[str | Path],
    *,
    cwd: Path,
    environment: Mapping[str, str],
    servers: Servers | None = None,
    fails: bool = False,
) -> Sample:
    """Runs a command to its end; BenchError if it fails, or, with `fails`, if it does not."""
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "result.json"
        whole = [sys.executable, "-I", _PROCESS_TREE, result, *command]

        def run() -> subprocess.CompletedProcess[str]:
            return subprocess.run(
                whole, cwd=cwd, env=environment, capture_output=True, text=True, check=False, timeout=TIMEOUT_SECONDS
            )

        if servers:
            with servers.counted() as counts:
                done = run()
        else:
            counts, done = Counts(), run()
        if bool(done.returncode) != fails:
            end = "\n".join((done.stdout + done.stderr).splitlines()[-15:])
            what = "did not fail" if fails else f"failed with {done.returncode}"
            raise BenchError(f"{' '.join(map(str, command))} {what}:\n{end}")
        found = json.loads(result.read_text(encoding="utf-8"))
    return Sample(
        begun=found["begun"],
        wall=found["wall"],
        cpu=found["cpu"],
        memory=found["memory"],
        counts=counts,
        output=done.stdout + done.stderr,
    )


def quietly(command: Sequence[str | Path], *, cwd: Path, environment: Mapping[str, str], stdin: str = "") -> str:
    """Runs what is not measured, and gives what it prints; BenchError if it fails."""
    done = subprocess.run(
        command,
        cwd=cwd,
        env=environment,
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        timeout=TIMEOUT_SECONDS,
    )
    if done.returncode:
        end = "\n".join((done.stdout + done.stderr).splitlines()[-15:])
        raise BenchError(f"{' '.join(map(str, command))} failed with {done.returncode}:\n{end}")
    return done.stdout


def plain_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment of this process with these; Python keeps what it compiles, as it does on a user's machine."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"} | dict(environment)


Figures = dict[str, Any]
"""Of one subject and one contender, as the data file has them."""


def figures(samples: Sequence[Sample]) -> Figures:
    """Median, least and most of several runs, and the counts of the last one, whose caches were warm."""
    found: Figures = {"runs": len(samples)}
    values: dict[str, Callable[[Sample], float]] = {
        "wall": lambda sample: sample.wall,
        "cpu": lambda sample: sample.cpu,
        "memory": lambda sample: sample.memory / 2**20,
    }
    for name, value in values.items():
        found[name] = spread([value(sample) for sample in samples])
    for name in dict.fromkeys(name for sample in samples for name in sample.extra):
        found[name] = spread([sample.extra[name] for sample in samples if name in sample.extra])
    found["counts"] = dict(samples[-1].counts.numbers)
    return found


def spread(values: Sequence[float]) -> dict[str, float]:
    """Median, least and most, rounded for the data file."""
    return {
        "median": round(statistics.median(values), 3),
        "min": round(min(values), 3),
        "max": round(max(values), 3),
    }


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> dict[str, float]:
    """Of runs that were made in turn: each pair's ratio, of which the median is shown."""
    return spread([mine / other for mine, other in zip(ours, theirs, strict=False)])
