"""One program with more and more applications: time, memory and the size of its state."""

import shutil
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

from bench.contenders import REPOSITORY, Program
from bench.results import OURS, Context
from bench.sample import Sample, ratio
from sandbox.names import ROOT

SIZES = (1, 10, 30)
LARGE_SIZES = (30, 100, 300)
"""Measured if they are asked for: they take as long as all other sections."""
LAST = 10
"""So many of a large number are made by an `up` that is measured."""
LAYOUTS = (("a namespace each", False), ("all in one namespace", True))
MANY = Path(__file__).with_name("many")


class Many(Program):
    """The program `many`, with a number of applications that grows.

    The names of its namespaces begin with a prefix. Its previews compose no state at each step, which they would throw
    away (see docs/performance.md).
    """

    def __init__(self, context: Context, prefix: str, *, together: bool) -> None:
        folder = context.folder / f"{prefix}-{together}"
        shutil.copytree(MANY, folder)
        (folder / ".venv").symlink_to(sys.prefix)
        super().__init__(context.instance, folder, "bench")
        self.environment["PYTHONPATH"] = str(ROOT)
        self.configure(
            {
                "many:applications": 1,
                "many:prefix": prefix,
                "many:together": together,
                "many:server": f"https://{context.instance.network.address('node')}:6443",
                "many:image": f"{REPOSITORY}:1.0.0",
            }
        )

    def preview(self) -> Sample:
        """Measures a preview."""
        return self.run("preview", PULUMI_SKIP_CHECKPOINTS="true")

    def grow(self, size: int) -> None:
        """Makes applications up to this number; the state is written at the end alone."""
        self.set("many:applications", size)
        self.run("up", "--yes", "--skip-preview", PULUMI_SKIP_CHECKPOINTS="true")


def applications(context: Context) -> None:
    """Grows two programs, one with a namespace for each application, one with all in a single one."""
    for layout, together in LAYOUTS:
        _grow(context, Many(context, "many", together=together), layout, SIZES)


def three_hundred(context: Context) -> None:
    """The same of large numbers, of which only the last ones are made by an `up` that is measured.

    One that makes three hundred at once takes about an hour: the engine writes the whole state for each resource.
    """
    smallest, largest = LARGE_SIZES[0], LARGE_SIZES[-1]
    for layout, together in LAYOUTS:
        taken = _grow(context, Many(context, "large", together=together), layout, LARGE_SIZES, last=LAST)
        context.results.facts[f"per application at {largest} against {smallest}, {layout}"] = {
            what: ratio([found[largest]], [found[smallest]])["median"] for what, found in taken.items()
        }


def _grow(
    context: Context, program: Many, layout: str, sizes: tuple[int, ...], last: int | None = None
) -> dict[str, dict[int, float]]:
    """The seconds for each application, of a preview of nothing and of an `up`, by their number.

    With `last`, the `up` that is measured makes so many, and those before are made without it.
    """
    new = f"the last {last}" if last else "the new ones"
    taken: dict[str, dict[int, float]] = {"preview": {}, "up": {}}
    before = 0
    for size in sizes:
        if last:
            before = size - last
            program.grow(before)
        program.set("many:applications", size)
        add = partial(_add, context, program, layout, size)
        add(f"preview of {new}" if before else "preview of all as new", program.preview())
        taken["up"][size] = add(f"up that makes {new}", program.up()).wall / (size - before)
        taken["preview"][size] = add("preview of nothing", program.preview()).wall / size
        before = size
    context.results.facts[f"seconds per application, {layout}"] = {
        what: {str(size): round(seconds, 3) for size, seconds in found.items()} for what, found in taken.items()
    }
    return taken


def _add(context: Context, program: Program, layout: str, size: int, subject: str, sample: Sample) -> Sample:
    extra = {"state in KiB": program.state_bytes / 1024, "applications": float(size)}
    return context.results.add(f"{size} applications, {layout}: {subject}", OURS, replace(sample, extra=extra))
