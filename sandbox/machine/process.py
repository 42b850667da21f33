"""Processes that outlive the command that started them: which they are, whether they live, how they end."""

import os
import select
import signal
from dataclasses import dataclass
from pathlib import Path

from sandbox.sandbox_error import SandboxError


@dataclass(frozen=True)
class Process:
    """A process of this machine that is not mistaken for a later one with the same pid."""

    pid: int
    """As the machine counts, not as its own namespace does."""
    started: str
    """The boot, and clock ticks since then (field 22 of /proc/PID/stat, see proc(5))."""

    @classmethod
    def of(cls, pid: int) -> "Process":
        """The process that has this pid now; ProcessLookupError if there is none."""
        started, _ = _read(pid)
        return cls(pid, started)

    @property
    def alive(self) -> bool:
        """Whether it still runs; one that only waits to be collected by its parent does not."""
        try:
            started, status = _read(self.pid)
        except ProcessLookupError:
            return False
        return started == self.started and status not in "ZX"

    @property
    def age(self) -> float:
        """Seconds since it was started."""
        uptime = float(Path("/proc/uptime").read_text(encoding="ascii").split()[0])
        return uptime - int(self.started.rpartition(":")[2]) / os.sysconf("SC_CLK_TCK")

    def kill(self, seconds: float = 20) -> None:
        """Kill it and return when it has ended; SandboxError if it has not within `seconds`."""
        try:
            handle = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return
        try:
            # Through the handle: should the pid change hands after this line, nobody else is hit.
            if not self.alive:
                return
            signal.pidfd_send_signal(handle, signal.SIGKILL)
            poll = select.poll()
            poll.register(handle, select.POLLIN)
            if not poll.poll(seconds * 1000):
                raise SandboxError(
                    f"process {self.pid} does not end: {seconds:.0f} s after it was killed it is still there"
                )
        finally:
            os.close(handle)


def _read(pid: int) -> tuple[str, str]:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError) as error:
        raise ProcessLookupError(pid) from error
    # The name of the program, in brackets, may hold anything.
    fields = stat.rpartition(")")[2].split()
    return f"{_boot()}:{fields[19]}", fields[0]


def _boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
