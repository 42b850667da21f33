"""A run of `pulumi up` that is killed at a step of its own, which the engine's events tell, with all it has started.

KILLED_STRIDE=1 has it killed at every step. By default it is every fifth, from one that is chosen anew each time.
"""

import itertools
import json
import os
import secrets
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from tests.support.processes import descendants
from tests.support.project import Project

_STRIDE = int(os.environ.get("KILLED_STRIDE", "5"))
_UNCHANGED = ("same", "read", "refresh")
_POLL_SECONDS = 0.01


def numbers() -> Iterator[int]:
    """The numbers of the steps at which a test kills a run, with no end."""
    return itertools.count(secrets.randbelow(_STRIDE) + 1, _STRIDE)


def killed_ups(project: Project, choose: Callable[[str], object]) -> Iterator[tuple[str, str | None]]:
    """Runs `up` to one version and the other in turn, each killed at a later step than the one before.

    Yields the version and the step, as `up_killed_at` does; None for the last run, which has no such step. `choose`
    writes a version into the stack file. One run at least is killed.
    """
    number, is_any_killed = next(numbers()), False
    for version in itertools.cycle(("2.0.0", "1.0.0")):
        choose(version)
        step = up_killed_at(project, number)
        print(step)
        yield version, step
        if step:
            number, is_any_killed = number + _STRIDE, True
        elif is_any_killed:
            return
        else:
            # The change has fewer steps than that.
            assert number > 1, "the change has no step at all"
            number = secrets.randbelow(number - 1) + 1


def up_killed_at(project: Project, number: int) -> str | None:
    """Runs `up` to the start or the end of a step that changes something, the first of which is number 1.

    Returns which one it was, as `create-replacement app-container, begun`; None if the run has ended before. The lock
    that it leaves is released as docs/operations.md says.
    """
    log = project.folder / "events"
    log.unlink(missing_ok=True)
    command = ["pulumi", "up", "--yes", "--skip-preview", "--non-interactive", "--stack", project.stack]
    with (project.folder / "said").open("w") as said:
        cli = subprocess.Popen(
            [*command, "--event-log", str(log)],
            cwd=project.folder,
            env=project.environment | {"PULUMI_DEBUG_COMMANDS": "true"},
            stdout=said,
            stderr=subprocess.STDOUT,
        )
        with cli:
            while len(steps(log)) < number:
                if cli.poll() is not None:
                    assert cli.returncode == 0, (project.folder / "said").read_text()
                    return None
                time.sleep(_POLL_SECONDS)
            kill(cli.pid)
    forget_empty_attributes(project)
    released = project.run("pulumi", "cancel", "--yes", "--non-interactive", "--stack", project.stack)
    assert released.code == 0, released.text
    return steps(log)[number - 1]


def forget_empty_attributes(project: Project) -> None:
    """Deletes what a run that was killed as it wrote its state may leave of it in a folder (docs/operations.md)."""
    state = Path(project.environment["PULUMI_BACKEND_URL"].removeprefix("file://"))
    for attributes in state.rglob("*.attrs"):
        if not attributes.stat().st_size:
            attributes.unlink()


def kill(pid: int) -> None:
    """Kills a process and all it has started, none of which gets to know of it."""
    # Stopped first, so that it starts nothing more.
    for action in (signal.SIGSTOP, signal.SIGKILL):
        for started in (pid, *descendants(pid)):
            with suppress(ProcessLookupError):
                os.kill(started, action)


def steps(log: Path) -> list[str]:
    """The begins and ends of steps so far, but for those that change nothing."""
    found = []
    lines = log.read_text().split("\n") if log.exists() else []
    # What follows the last end of a line is being written.
    for line in lines[:-1]:
        event = json.loads(line)
        for kind, moment in (("resourcePreEvent", "begun"), ("resOutputsEvent", "ended")):
            if kind in event:
                step = event[kind]["metadata"]
                if step["op"] not in _UNCHANGED:
                    found.append(f"{step['op']} {step['urn'].rpartition('::')[2]}, {moment}")
    return found
