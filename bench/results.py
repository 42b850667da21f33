"""What a section measures: samples of each contender by subject, and how many times it may run."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.sample import Sample, figures, ratio
from sandbox.instance import Instance

OURS = "pulumi up"
"""This project, in every table."""
FLAT = "flat program"


@dataclass(kw_only=True)
class Results:
    """The samples of a section, in the order of the runs."""

    samples: dict[str, dict[str, list[Sample]]] = field(default_factory=dict)
    """By subject and contender."""
    facts: dict[str, Any] = field(default_factory=dict)
    """What is counted or read once, by name."""

    def add(self, subject: str, contender: str, sample: Sample) -> Sample:
        """Keeps a sample, and prints it."""
        self.samples.setdefault(subject, {}).setdefault(contender, []).append(sample)
        extra = "".join(f", {name} {value:.2f}" for name, value in sample.extra.items())
        print(f"  {subject}: {contender} {sample.wall:.2f} s, {sample.cpu:.2f} CPU-s{extra}", flush=True)
        return sample

    def document(self) -> Mapping[str, Any]:
        """As the data file has it."""
        return {
            "subjects": {subject: _compared(contenders) for subject, contenders in self.samples.items()},
            "facts": self.facts,
        }


def _compared(contenders: Mapping[str, Sequence[Sample]]) -> Mapping[str, Any]:
    """Each contender's figures; those of the others with the ratios of this project to them."""
    found: dict[str, Any] = {name: figures(samples) for name, samples in contenders.items()}
    ours = contenders.get(OURS, [])
    for name, samples in contenders.items():
        if name != OURS and ours:
            found[name]["ratio"] = {
                "wall": ratio([one.wall for one in ours], [one.wall for one in samples]),
                "cpu": ratio([one.cpu for one in ours], [one.cpu for one in samples]),
            }
    return found


@dataclass(frozen=True, kw_only=True)
class Context:
    """What a section runs with."""

    instance: Instance
    folder: Path
    """Of its own, empty, and thrown away."""
    results: Results
    runs: int
    """How many times each subject is run, if the time suffices."""
    ends: float
    """When the section's time is over, on the monotonic clock: the rounds that did not begin by then are left out."""
    options: Mapping[str, Any] = field(default_factory=dict)

    def rounds(self, most: int | None = None, share: float = 1.0) -> Iterator[int]:
        """Numbers of rounds: one at least, and no further one that would not end in this share of the time left."""
        begun = time.monotonic()
        limit = begun + (self.ends - begun) * share
        for number in range(min(self.runs, most or self.runs)):
            now = time.monotonic()
            if number and now + (now - begun) / number > limit:
                return
            yield number


@dataclass(frozen=True, kw_only=True)
class Section:
    """A part of the measurements that runs, and may fail, by itself."""

    title: str
    seconds: int
    """Its time."""
    measure: Callable[[Context], None]
    default: bool = True
    """Whether it is part of a run that names no section."""
