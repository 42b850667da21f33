"""Control groups of a sandbox's pods: one subtree of its own in every hierarchy of the machine, v1 or v2."""

import os
from contextlib import suppress
from pathlib import Path


def make(name: str) -> None:
    """Make the subtree `name` in every hierarchy; the kubelet wants it to be there."""
    for hierarchy in hierarchies():
        (hierarchy / name).mkdir(exist_ok=True)


def thaw(name: str) -> None:
    """Let every process in the subtree go on that `docker pause` has stopped: a frozen process cannot be killed."""
    for hierarchy in hierarchies():
        for folder, _, files in os.walk(hierarchy / name):
            # As cgroups(7) has it for version 1 and version 2.
            for control, value in (("freezer.state", "THAWED"), ("cgroup.freeze", "0")):
                if control in files:
                    with suppress(FileNotFoundError):
                        Path(folder, control).write_text(value, encoding="ascii")


def remove(name: str) -> bool:
    """Remove the subtree everywhere; False if a process is still in it."""
    for hierarchy in hierarchies():
        for folder, _, _ in os.walk(hierarchy / name, topdown=False):
            try:
                Path(folder).rmdir()
            except FileNotFoundError:
                continue
            except OSError:
                return False
    return True


def remaining(name: str) -> list[Path]:
    """What exists of the subtree, by hierarchy."""
    return [hierarchy / name for hierarchy in hierarchies() if (hierarchy / name).exists()]


def hierarchies() -> list[Path]:
    """Where control groups are mounted (proc_pid_mountinfo(5))."""
    found = []
    for line in Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines():
        place, _, kind = line.partition(" - ")
        if kind.split()[0] in {"cgroup", "cgroup2"}:
            found.append(Path(place.split()[4]))
    return found
