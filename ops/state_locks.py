"""The locks of a stack's state: who holds them, and whether that run is over."""

import os
import re
import socket
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ops import cli
from ops.ops_error import OpsError
from ops.stack_name import StackName

PROC = Path("/proc")
# A process that is younger than the lock did not make it; the tolerance is for clocks that were set meanwhile.
CLOCK_TOLERANCE = timedelta(minutes=1)
# pkg/backend/diy/lock.go, checkForLock
_COUNT = re.compile(r"the stack is currently locked by (\d+) lock\(s\)")
_LOCK = re.compile(
    r"created by (?P<user>.*)@(?P<host>[^@]*) \(pid (?P<pid>\d+)\) at (?P<since>\S+)$", re.MULTILINE | re.ASCII
)
_FREE = re.compile(r"^error: a stack named \S+ already exists$", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Lock:
    """One lock of a stack: the process that made it, and when."""

    user: str
    host: str
    pid: int
    since: datetime

    def __str__(self) -> str:
        return f"{self.user}@{self.host} (pid {self.pid}), since {self.since.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def read(stack: StackName) -> list[Lock]:
    """The locks of a stack, none if it is free. Nothing is changed: Pulumi refuses to rename it to its own name.

    OpsError if the stack does not exist, or Pulumi answers anything else.
    """
    renamed = cli.run("pulumi", "stack", "rename", "--stack", str(stack), "--non-interactive", "--", str(stack))
    locks = parse(renamed.stderr)
    if not locks and not (renamed.returncode and _FREE.search(renamed.stderr)):
        raise OpsError(
            f"Pulumi did not say whether stack {stack} is locked ({cli.last_line(renamed.stderr)}); "
            "look for its name in 'pulumi stack ls'"
        )
    return locks


def parse(text: str) -> list[Lock]:
    """The locks in a refusal by Pulumi, none in any other text; OpsError for a refusal in an unknown form."""
    count = _COUNT.search(text)
    if not count:
        return []
    try:
        locks = [
            Lock(user=user, host=host, pid=int(pid), since=datetime.fromisoformat(since))
            for user, host, pid, since in _LOCK.findall(text)
        ]
        # A time without a zone cannot be compared with now.
        known = all(lock.since.tzinfo for lock in locks)
    except ValueError:
        locks, known = [], False
    if len(locks) != int(count[1]) or not known:
        raise OpsError(
            f"The stack is locked, in words of this version of pulumi that are unknown here ({text.strip()}); "
            "end the run that holds the lock, or see 'pulumi cancel --help'"
        )
    return locks


def judge(lock: Lock, *, now: datetime, limit: timedelta, proc: Path = PROC) -> tuple[bool, str]:
    """Whether the run that made a lock is over, and why."""
    age = now - lock.since
    minutes = f"{age / timedelta(minutes=1):.0f} min old"
    if lock.host == socket.gethostname():
        if _runs_here(lock, proc):
            return False, f"{minutes}, and its process runs on this host"
        return True, f"{minutes}, and no pulumi of that pid runs on this host: the run is over"
    allowed = f"{limit / timedelta(minutes=1):g} min that a job may run (--job-timeout)"
    if age > limit:
        return True, f"{minutes}, older than the {allowed}: the run is over"
    return False, f"{minutes}, on another host, and within the {allowed}: the run may go on"


def _runs_here(lock: Lock, proc: Path) -> bool:
    """Whether a pulumi of the lock's pid, in this process's view or in that of a container, runs since before it."""
    try:
        os.kill(lock.pid, 0)
    except (ProcessLookupError, OverflowError):
        pass
    except PermissionError:
        if not (proc / str(lock.pid)).exists():
            return True
    else:
        if not proc.exists():
            return True
    return any(_may_hold(lock, folder, proc) for folder in proc.glob("[0-9]*"))


def _may_hold(lock: Lock, process: Path, proc: Path) -> bool:
    """Whether a process, by its folder in /proc, can be the one that made the lock (man 5 proc)."""
    try:
        name, _, rest = (process / "stat").read_text().rpartition(")")
        status = (process / "status").read_text()
        booted = re.search(r"^btime (\d+)$", (proc / "stat").read_text(), re.MULTILINE)
    except OSError:
        return False  # It has just ended.
    pids = re.search(r"^NSpid:\s*(.*)$", status, re.MULTILINE)
    state, started = rest.split()[0], int(rest.split()[19]) / os.sysconf("SC_CLK_TCK")
    if "pulumi" not in name or state in "ZX" or str(lock.pid) not in (pids[1].split() if pids else [process.name]):
        return False
    return booted is None or datetime.fromtimestamp(int(booted[1]) + started, UTC) <= lock.since + CLOCK_TOLERANCE
