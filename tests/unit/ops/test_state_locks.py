"""What Pulumi's refusal says, and which locks are left behind."""

import os
import shutil
import socket
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ops import state_locks
from ops.ops_error import OpsError

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
# More than the kernel's highest pid.
NO_PID = 2**22 + 7
REFUSAL = """\
error: the stack is currently locked by {count} lock(s). Either wait for the other process(es) to end or delete the \
lock file with `pulumi cancel`.
  s3://****:****@bucket/.pulumi/locks/organization/p/prod/a.json: created by root@runner-1 (pid 57) at \
2026-11-24T11:30:00+01:00
"""
SECOND = "  file:///s/.pulumi/locks/b.json: created by DOMAIN\\me@x@host (pid 8) at 2026-11-24T10:00:00Z\n"
FREE = "error: a stack named prod already exists\n"


def lock_of(host: str = "elsewhere", pid: int = NO_PID, age: timedelta = timedelta(minutes=12)) -> state_locks.Lock:
    return state_locks.Lock(user="root", host=host, pid=pid, since=NOW - age)


def process(proc: Path, pid: int, *, name: str = "pulumi", state: str = "S", age: float = 900, nspid: str = "") -> None:
    """A process in a /proc of our own, `age` seconds old at NOW; it was booted one hour before."""
    folder = proc / str(pid)
    folder.mkdir(parents=True)
    ticks = int((3600 - age) * os.sysconf("SC_CLK_TCK"))
    (folder / "stat").write_text(f"{pid} ({name}) {state} {' '.join(['1'] * 18)} {ticks} 1 1\n")
    (folder / "status").write_text(f"Name:\t{name}\nNSpid:\t{nspid or pid}\n")
    (proc / "stat").write_text(f"cpu 1\nbtime {int(NOW.timestamp()) - 3600}\n")


def over(lock: state_locks.Lock, proc: Path) -> bool:
    return state_locks.judge(lock, now=NOW, limit=HOUR, proc=proc)[0]


def test_a_refusal_names_who_holds_the_lock() -> None:
    assert state_locks.parse(REFUSAL.format(count=1)) == [
        state_locks.Lock(user="root", host="runner-1", pid=57, since=datetime(2026, 11, 24, 10, 30, tzinfo=UTC))
    ]


def test_every_lock_of_a_refusal_is_read() -> None:
    _, second = state_locks.parse(REFUSAL.format(count=2) + SECOND)
    assert (second.user, second.host, second.pid) == ("DOMAIN\\me@x", "host", 8)


def test_another_text_holds_no_lock() -> None:
    assert state_locks.parse(FREE) == []


@pytest.mark.parametrize(
    "text",
    [
        REFUSAL.format(count=2),
        REFUSAL.format(count=1).replace("11:30", "eleven"),
        REFUSAL.format(count=1).replace("+01:00", ""),
        REFUSAL.format(count=1).replace("57", "\u0665\u0667"),
    ],
)
def test_a_refusal_in_words_that_are_not_known_is_no_guess(text: str) -> None:
    with pytest.raises(OpsError, match="in words of this version of pulumi that are unknown"):
        state_locks.parse(text)


@pytest.mark.parametrize(
    ("age", "expected"),
    [
        (timedelta(minutes=59), False),
        (timedelta(minutes=61), True),
        (-timedelta(hours=5), False),
    ],
)
def test_a_lock_of_another_host_is_left_behind_once_no_job_runs_that_long(
    age: timedelta, expected: bool, tmp_path: Path
) -> None:
    process(tmp_path, NO_PID)
    assert over(lock_of(age=age), tmp_path) is expected


def test_a_lock_of_this_host_is_held_by_the_pulumi_that_made_it(tmp_path: Path) -> None:
    process(tmp_path, NO_PID)
    process(tmp_path, NO_PID + 1, age=3600)
    assert not over(lock_of(socket.gethostname(), NO_PID + 1, age=HOUR), tmp_path)
    assert not over(lock_of(socket.gethostname()), tmp_path)


@pytest.mark.parametrize(
    ("name", "state", "age"),
    [("python3", "S", 900), ("pulumi", "Z", 900), ("pulumi", "S", 300)],
    ids=["another program", "a process that has ended", "a younger pulumi"],
)
def test_a_pid_that_was_given_to_another_process_holds_no_lock(
    tmp_path: Path, name: str, state: str, age: float
) -> None:
    process(tmp_path, NO_PID, name=name, state=state, age=age)
    assert over(lock_of(socket.gethostname()), tmp_path)


def test_a_process_in_a_container_of_this_host_is_known_by_its_pid_there(tmp_path: Path) -> None:
    process(tmp_path, 12345, nspid=f"12345 {NO_PID}")
    assert not over(lock_of(socket.gethostname()), tmp_path)
    assert over(lock_of(socket.gethostname(), pid=NO_PID + 1), tmp_path)


def test_a_process_that_may_not_be_looked_at_is_no_proof(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_pid: int, _signal: int) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "kill", refuse)
    assert not over(lock_of(socket.gethostname()), tmp_path)


def test_where_there_is_no_proc_a_process_of_that_pid_is_enough(tmp_path: Path) -> None:
    assert not over(lock_of(socket.gethostname(), pid=os.getpid()), tmp_path / "none")


def test_the_real_proc_is_read_as_it_is(tmp_path: Path) -> None:
    program = tmp_path / "pulumi"
    shutil.copy(shutil.which("sleep") or "", program)
    running = subprocess.Popen([program, "600"])

    def ended() -> bool:
        now = datetime.now(UTC)
        lock = state_locks.Lock(user="root", host=socket.gethostname(), pid=running.pid, since=now)
        return state_locks.judge(lock, now=now, limit=HOUR)[0]

    try:
        assert not ended()
        running.kill()
        os.waitid(os.P_PID, running.pid, os.WEXITED | os.WNOWAIT)
        assert ended()
    finally:
        running.kill()
        running.wait()
    assert ended()
