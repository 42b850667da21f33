"""`python -m ops lock`: is a stack's state locked, is the run that locked it over, and how is it freed?"""

import argparse
import json
import os
import re
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ops import cli as tools
from ops.commands import pending
from ops.ops_error import OpsError

PROC = Path("/proc")
# A process that is younger than the lock did not make it; the rest is for clocks that were set meanwhile.
CLOCKS = timedelta(minutes=1)
# pkg/backend/diy/lock.go, checkForLock
COUNT = re.compile(r"the stack is currently locked by (\d+) lock\(s\)")
LINE = re.compile(r"created by (?P<user>.*)@(?P<host>[^@]*) \(pid (?P<pid>\d+)\) at (?P<since>\S+)$", re.MULTILINE)
FREE = re.compile(r"^error: a stack named \S+ already exists$", re.MULTILINE)
HELP = """\
Every run of 'pulumi up', 'refresh' and 'destroy' on a state of your own (file, S3, GCS, Azure, PostgreSQL) locks the
stack. A run that is killed leaves its lock, and every later run is refused. This command shows who made the lock, and
--release removes it once the run is over: on this host when no pulumi of that pid runs, on any other host, as a job's
container, when the lock is older than a job may run (--job-timeout). Hosts that share a name are one host to it. It
looks by having the stack renamed to its own name, which Pulumi refuses, with the locks or without any; for that moment
it holds the lock itself.

After a killed 'pulumi up' the state may be behind: --release tells what was being changed. The next 'pulumi up' then
warns of "pending operations", and may fail on an object that exists already. What was being updated or deleted,
'pulumi refresh' looks up. What was being created may exist or not: look, then either delete it and run
'pulumi refresh --yes --clear-pending-creates', or run 'pulumi refresh' on a terminal and give its id. 'pulumi up' and
'pulumi refresh --yes' alone do not forget it.

Pulumi Cloud keeps no such locks: an update there holds a lease that ends by itself.
"""


@dataclass(frozen=True, kw_only=True)
class Lock:
    """One lock of a stack: the process that made it, and when."""

    user: str
    host: str
    pid: int
    since: datetime

    def __str__(self) -> str:
        return f"{self.user}@{self.host} (pid {self.pid}), since {self.since.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.description = HELP
    parser.add_argument("--stack", required=True, help="name of the stack")
    parser.add_argument("--release", action="store_true", help="remove the lock, if the run that made it is over")
    parser.add_argument(
        "--job-timeout",
        type=float,
        default=60,
        metavar="MINUTES",
        help="how long a job may run; an older lock of another host is left behind (default: 60, as in GitLab)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Prints each lock and whether its run is over; 0 where there is none or it was released, 1 where there is one."""
    stack, limit = arguments.stack, timedelta(minutes=arguments.job_timeout)
    _require_locks()
    locks = read(stack)
    if not locks:
        print(f"stack {stack} is not locked", flush=True)
        return 0
    over = True
    for lock in locks:
        ended, reason = judge(lock, now=datetime.now(UTC), limit=limit)
        over = over and ended
        print(f"stack {stack} is locked by {lock}: {reason}", flush=True)
    if not over:
        print(
            f"{'not released' if arguments.release else 'not to be released'}: wait for that run to end. Where you know"
            f" that it is over, as its job's page in GitLab tells: pulumi cancel --yes --stack {stack}",
            flush=True,
        )
        return 1
    if not arguments.release:
        print(f"every run that locked it is over; release it: python -m ops lock --stack {stack} --release", flush=True)
        return 1
    _release(stack)
    return 0


def read(stack: str) -> list[Lock]:
    """The locks of a stack, none for one that is free. Nothing is changed: Pulumi refuses to rename it to its own name.

    OpsError where the stack is not there, or Pulumi says anything else.
    """
    tried = tools.run("pulumi", "stack", "rename", "--stack", stack, stack, "--non-interactive")
    locks = parse(tried.stderr)
    if not locks and not (tried.returncode and FREE.search(tried.stderr)):
        raise OpsError(
            f"Pulumi did not say whether stack {stack} is locked ({tools.last_line(tried.stderr)}); "
            "look for its name in 'pulumi stack ls'"
        )
    return locks


def parse(text: str) -> list[Lock]:
    """The locks in a refusal by Pulumi, none in any other text; OpsError for a refusal in words it does not know."""
    count = COUNT.search(text)
    if not count:
        return []
    try:
        locks = [
            Lock(user=user, host=host, pid=int(pid), since=datetime.fromisoformat(since))
            for user, host, pid, since in LINE.findall(text)
        ]
    except ValueError:
        locks = []
    if len(locks) != int(count[1]):
        raise OpsError(f"The stack is locked, in words of this pulumi that are not known here: {text.strip()}")
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
    return any(_made(lock, folder, proc) for folder in proc.glob("[0-9]*"))


def _made(lock: Lock, process: Path, proc: Path) -> bool:
    """Whether a process, by its folder in /proc, can be the one that made the lock (man 5 proc)."""
    try:
        name, _, rest = (process / "stat").read_text().rpartition(")")
        status = (process / "status").read_text()
        booted = re.search(r"^btime (\d+)$", (proc / "stat").read_text(), re.MULTILINE)
    except OSError:
        return False  # It has ended just now.
    pids = re.search(r"^NSpid:\s*(.*)$", status, re.MULTILINE)
    state, started = rest.split()[0], int(rest.split()[19]) / os.sysconf("SC_CLK_TCK")
    if "pulumi" not in name or state in "ZX" or str(lock.pid) not in (pids[1].split() if pids else [process.name]):
        return False
    return booted is None or datetime.fromtimestamp(int(booted[1]) + started, UTC) <= lock.since + CLOCKS


def _require_locks() -> None:
    """OpsError where the state is kept by Pulumi Cloud, which has leases in place of locks."""
    told = tools.run("pulumi", "whoami", "--json", "--non-interactive")
    if told.returncode:
        raise OpsError(f"Pulumi does not say where the state is ({tools.last_line(told.stderr)}); run 'pulumi login'")
    url = str(json.loads(told.stdout).get("url", ""))
    if url.startswith(("http://", "https://")):
        raise OpsError(
            f"The state is at {url}, which keeps no locks that can be read here: an update there holds a lease that "
            "ends by itself; see the stack's page, and end an update that hangs with 'pulumi cancel'"
        )


def _release(stack: str) -> None:
    cancelled = tools.run("pulumi", "cancel", "--yes", "--stack", stack, "--non-interactive")
    left: Sequence[Lock] = [] if cancelled.returncode else read(stack)
    if cancelled.returncode or left:
        why = f"there is another: {left[0]}" if left else tools.last_line(cancelled.stderr)
        raise OpsError(f"The lock of stack {stack} was not released ({why}); run 'python -m ops lock --stack {stack}'")
    print(f"released: stack {stack} is not locked any more", flush=True)
    begun = pending.read(stack)
    for urn in (*begun.unknown, *begun.known):
        print(f"interrupted: {urn}", flush=True)
    if begun.known:
        print(f"look up what became of them: pulumi refresh --stack {stack}", flush=True)
    if begun.unknown:
        print(
            f"of {len(begun.unknown)} the state holds nothing but the beginning: {pending.REMEDY.format(stack=stack)}"
        )
