"""The namespaces of a host, and the processes in them."""

import os
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from sandbox.machine.process import Process

KINDS = ("net", "mnt", "pid")


class Namespaces:
    """The network, mount and process namespaces of a process, held open until the block ends.

    The kernel gives the number of a namespace that is gone to the next one, which may be another sandbox's. As long as
    one is held open its number is its own. A network that is held open keeps its interfaces, though.
    """

    def __init__(self, process: Process) -> None:
        """Hold those that the process has; one that is about to end may have left some of them already."""
        self._numbers: dict[str, int] = {}
        with ExitStack() as handles:
            for kind in KINDS:
                try:
                    handle = os.open(f"/proc/{process.pid}/ns/{kind}", os.O_RDONLY)
                except (FileNotFoundError, ProcessLookupError):
                    continue
                handles.callback(os.close, handle)
                self._numbers[kind] = os.fstat(handle).st_ino
            self._handles = handles.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._handles.close()

    def members(self) -> list[int]:
        """Pids of all processes in any of the namespaces, as the machine counts."""
        return [pid for pid in _pids() if self._has(pid)]

    def pid_of(self, inside: int) -> int:
        """What the machine calls the process with pid `inside` in the process namespace; ProcessLookupError if none.

        NSpid in proc_pid_status(5) has all pids of a process, the innermost namespace's last.
        """
        for pid in _pids():
            try:
                if number(pid, "pid") != self._numbers.get("pid"):
                    continue
                status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8", errors="replace")
            except OSError:
                continue
            pids = next(line for line in status.splitlines() if line.startswith("NSpid:"))
            if pids.split()[-1] == str(inside):
                return pid
        raise ProcessLookupError(inside)

    def _has(self, pid: int) -> bool:
        try:
            return Process.of(pid).alive and any(number(pid, kind) == self._numbers[kind] for kind in self._numbers)
        except OSError:
            # It is gone by now; or it may do more than this process may, so that it is none of the sandbox's.
            return False


def _pids() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]  # noqa: PTH208 - names


def number(pid: int, kind: str) -> int:
    """The kernel's number of a namespace of a process."""
    return os.stat(f"/proc/{pid}/ns/{kind}").st_ino  # noqa: PTH116 - a link to no path
