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
LARGE = (100, 300)
"""Measured if they are asked for: they alone take longer than all other sections."""
MANY = Path(__file__).with_name("many")


class Many(Program):
    """The program `many`, with a number of applications that grows.

    Its previews compose no state at each step, which they would throw away (see docs/performance.md).
    """

    def __init__(self, context: Context, folder: Path, *, together: bool) -> None:
        shutil.copytree(MANY, folder)
        (folder / ".venv").symlink_to(sys.prefix)
        super().__init__(context.instance, folder, "bench")
        self.environment["PYTHONPATH"] = str(ROOT)
        self.configure(
            {
                "many:applications": 1,
                "many:together": together,
                "many:server": f"https://{context.instance.network.address('node')}:6443",
                "many:image": f"{REPOSITORY}:1.0.0",
            }
        )

    def preview(self) -> Sample:
        """Measures a preview."""
        return self.run("preview", PULUMI_SKIP_CHECKPOINTS="true")


def applications(context: Context, sizes: tuple[int, ...] = SIZES) -> None:
    """Grows two programs, one with a namespace for each application, one with all in a single one."""
    for layout, together in (("a namespace each", False), ("all in one namespace", True)):
        program = Many(context, context.folder / f"many-{together}", together=together)
        taken: dict[str, dict[int, float]] = {"preview": {}, "up": {}}
        before = 0
        for size in sizes:
            program.set("many:applications", size)
            add = partial(_add, context, program, layout, size)
            add("preview of all as new" if not before else "preview of the new ones", program.preview())
            made = add("up that makes the new ones", program.up())
            again = add("preview of nothing", program.preview())
            taken["preview"][size] = again.wall / size
            taken["up"][size] = made.wall / (size - before)
            before = size
        context.results.facts[f"seconds per application, {layout}"] = {
            what: {str(size): round(seconds, 3) for size, seconds in found.items()} for what, found in taken.items()
        }
        last = sizes[-1]
        if 30 in sizes and last > 30:
            context.results.facts[f"per application at {last} against 30, {layout}"] = {
                what: ratio([found[last]], [found[30]])["median"] for what, found in taken.items()
            }


def three_hundred(context: Context) -> None:
    """The same, and on to large numbers."""
    applications(context, (*SIZES, *LARGE))


def _add(context: Context, program: Program, layout: str, size: int, subject: str, sample: Sample) -> Sample:
    extra = {"state in KiB": program.state_bytes / 1024, "applications": float(size)}
    return context.results.add(f"{size} applications, {layout}: {subject}", OURS, replace(sample, extra=extra))
