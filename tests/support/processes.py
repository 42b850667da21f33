"""What processes have started."""

from contextlib import suppress
from pathlib import Path


def descendants(pid: int) -> list[int]:
    """The processes that a process has started, and those that they have (proc_pid_task_children(5), by thread)."""
    children: list[int] = []
    with suppress(FileNotFoundError):
        for thread in Path(f"/proc/{pid}/task").iterdir():
            with suppress(FileNotFoundError, ProcessLookupError):
                children += [int(child) for child in (thread / "children").read_text().split()]
    return [found for child in children for found in (child, *descendants(child))]


def runs(pid: int) -> bool:
    """Whether it is there, and more than what is left until somebody asks how it ended."""
    return state(pid)[:1] not in ([], ["Z"], ["X"])


def parent(pid: int) -> int:
    """Who has started it."""
    return int(state(pid)[1])


def state(pid: int) -> list[str]:
    """The fields of proc_pid_stat(5) from the third on; none if there is no such process."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []
