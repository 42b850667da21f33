"""`python -m ops lock`: what Pulumi's refusal says, and which locks may go."""

import argparse
import json
import os
import shutil
import socket
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ops import cli as tools
from ops.commands import lock
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


def made(host: str = "elsewhere", pid: int = NO_PID, age: timedelta = timedelta(minutes=12)) -> lock.Lock:
    return lock.Lock(user="root", host=host, pid=pid, since=NOW - age)


def process(proc: Path, pid: int, *, name: str = "pulumi", state: str = "S", age: float = 900, nspid: str = "") -> None:
    """A process in a /proc of our own, `age` seconds old at NOW; it was booted one hour before."""
    folder = proc / str(pid)
    folder.mkdir(parents=True)
    ticks = int((3600 - age) * os.sysconf("SC_CLK_TCK"))
    (folder / "stat").write_text(f"{pid} ({name}) {state} {' '.join(['1'] * 18)} {ticks} 1 1\n")
    (folder / "status").write_text(f"Name:\t{name}\nNSpid:\t{nspid or pid}\n")
    (proc / "stat").write_text(f"cpu 1\nbtime {int(NOW.timestamp()) - 3600}\n")


def over(one: lock.Lock, proc: Path) -> bool:
    return lock.judge(one, now=NOW, limit=HOUR, proc=proc)[0]


def test_a_refusal_names_who_holds_the_lock() -> None:
    assert lock.parse(REFUSAL.format(count=1)) == [
        lock.Lock(user="root", host="runner-1", pid=57, since=datetime(2026, 11, 24, 10, 30, tzinfo=UTC))
    ]


def test_every_lock_of_a_refusal_is_read() -> None:
    _, second = lock.parse(REFUSAL.format(count=2) + SECOND)
    assert (second.user, second.host, second.pid) == ("DOMAIN\\me@x", "host", 8)


def test_another_text_holds_no_lock() -> None:
    assert lock.parse(FREE) == []


@pytest.mark.parametrize("text", [REFUSAL.format(count=2), REFUSAL.format(count=1).replace("11:30", "eleven")])
def test_a_refusal_in_words_that_are_not_known_is_no_guess(text: str) -> None:
    with pytest.raises(OpsError, match="in words of this pulumi that are not known"):
        lock.parse(text)


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
    assert over(made(age=age), tmp_path) is expected


def test_a_lock_of_this_host_is_held_by_the_pulumi_that_made_it(tmp_path: Path) -> None:
    process(tmp_path, NO_PID)
    process(tmp_path, NO_PID + 1, age=3600)
    assert not over(made(socket.gethostname(), NO_PID + 1, age=HOUR), tmp_path)
    assert not over(made(socket.gethostname()), tmp_path)


@pytest.mark.parametrize(
    ("name", "state", "age"),
    [("python3", "S", 900), ("pulumi", "Z", 900), ("pulumi", "S", 300)],
    ids=["another program", "a process that has ended", "a younger pulumi"],
)
def test_a_pid_that_was_given_to_another_process_holds_no_lock(
    tmp_path: Path, name: str, state: str, age: float
) -> None:
    process(tmp_path, NO_PID, name=name, state=state, age=age)
    assert over(made(socket.gethostname()), tmp_path)


def test_a_process_in_a_container_of_this_host_is_known_by_its_pid_there(tmp_path: Path) -> None:
    process(tmp_path, 12345, nspid=f"12345 {NO_PID}")
    assert not over(made(socket.gethostname()), tmp_path)
    assert over(made(socket.gethostname(), pid=NO_PID + 1), tmp_path)


def test_a_process_that_may_not_be_looked_at_is_no_proof(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_pid: int, _signal: int) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "kill", refuse)
    assert not over(made(socket.gethostname()), tmp_path)


def test_where_there_is_no_proc_a_process_of_that_pid_is_enough(tmp_path: Path) -> None:
    assert not over(made(socket.gethostname(), pid=os.getpid()), tmp_path / "none")


def test_the_real_proc_is_read_as_it_is(tmp_path: Path) -> None:
    program = tmp_path / "pulumi"
    shutil.copy(shutil.which("sleep") or "", program)
    running = subprocess.Popen([program, "600"])

    def ended() -> bool:
        now = datetime.now(UTC)
        one = lock.Lock(user="root", host=socket.gethostname(), pid=running.pid, since=now)
        return lock.judge(one, now=now, limit=HOUR)[0]

    try:
        assert not ended()
        running.kill()
        os.waitid(os.P_PID, running.pid, os.WEXITED | os.WNOWAIT)
        assert ended()
    finally:
        running.kill()
        running.wait()
    assert ended()


# The command


class Pulumi:
    """Answers for `pulumi`, by the first words of a command, and keeps what was run."""

    def __init__(self, **answers: tuple[int, str, str]) -> None:
        self.answers = {
            "whoami": (0, '{"user": "me", "url": "s3://bucket"}', ""),
            "cancel": (0, "", ""),
            "export": (0, '{"version": 3, "deployment": null}', ""),
        } | answers
        self.ran: list[str] = []

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        name = command[2] if command[1] == "stack" else command[1]
        self.ran.append(name)
        code, stdout, stderr = self.answers[name]
        if name == "cancel":
            self.answers["rename"] = self.answers.get("after", (1, "", FREE))
        return subprocess.CompletedProcess(command, code, stdout, stderr)


@pytest.fixture
def ops_lock(monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Runs the command on the stack prod, and gives its exit status."""

    def run(pulumi: Pulumi, *more: str) -> int:
        monkeypatch.setattr(tools, "run", pulumi.run)
        parser = argparse.ArgumentParser()
        lock.add_arguments(parser)
        return lock.run(parser.parse_args(["--stack", "prod", *more]))

    return run


def refusal(age: timedelta, host: str = "runner-1") -> tuple[int, str, str]:
    since = (datetime.now(UTC) - age).isoformat(timespec="seconds")
    text = REFUSAL.format(count=1).replace("2026-11-24T11:30:00+01:00", since).replace("runner-1", host)
    return 1, "", text.replace("(pid 57)", f"(pid {NO_PID})")


@pytest.mark.parametrize("more", [(), ("--release",)])
def test_a_free_stack_is_left_alone(
    ops_lock: Callable[..., int], capsys: pytest.CaptureFixture[str], more: tuple[str, ...]
) -> None:
    pulumi = Pulumi(rename=(1, "", FREE))
    assert ops_lock(pulumi, *more) == 0
    assert capsys.readouterr().out == "stack prod is not locked\n"
    assert pulumi.ran == ["whoami", "rename"]


def test_a_lock_that_was_left_behind_is_shown_with_the_way_out(
    ops_lock: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    pulumi = Pulumi(rename=refusal(timedelta(minutes=90)))
    assert ops_lock(pulumi) == 1
    shown = capsys.readouterr().out
    assert f"stack prod is locked by root@runner-1 (pid {NO_PID}), since 2" in shown
    assert "90 min old, older than the 60 min that a job may run (--job-timeout): the run is over\n" in shown
    assert "release it: python -m ops lock --stack prod --release\n" in shown
    assert pulumi.ran == ["whoami", "rename"]


def test_a_lock_that_was_left_behind_is_released(
    ops_lock: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    pulumi = Pulumi(rename=refusal(timedelta(), socket.gethostname()))
    assert ops_lock(pulumi, "--release") == 0
    assert capsys.readouterr().out.endswith("released: stack prod is not locked any more\n")
    assert pulumi.ran == ["whoami", "rename", "cancel", "rename", "export"]


def test_a_lock_of_a_run_that_may_go_on_is_not_released(
    ops_lock: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    pulumi = Pulumi(rename=refusal(timedelta(minutes=20)))
    assert ops_lock(pulumi, "--release") == 1
    shown = capsys.readouterr().out
    assert "20 min old, on another host, and within the 60 min that a job may run (--job-timeout): the run may" in shown
    assert "not released: wait for that run to end." in shown
    assert "cancel" not in pulumi.ran
    assert ops_lock(pulumi, "--release", "--job-timeout", "15") == 0


@pytest.mark.parametrize("ages", [(90, 20), (20, 90)])
def test_one_run_that_may_go_on_keeps_every_lock(ops_lock: Callable[..., int], ages: tuple[int, int]) -> None:
    (code, stdout, first), (_, _, second) = (refusal(timedelta(minutes=age)) for age in ages)
    both = first.replace("by 1 lock", "by 2 lock") + second.splitlines(keepends=True)[1]
    pulumi = Pulumi(rename=(code, stdout, both))
    assert ops_lock(pulumi, "--release") == 1
    assert "cancel" not in pulumi.ran


def test_a_release_tells_what_was_interrupted(ops_lock: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    state = {
        "resources": [{"urn": "urn:a"}],
        "pending_operations": [
            {"type": "creating", "resource": {"urn": "urn:b"}},
            {"type": "updating", "resource": {"urn": "urn:a"}},
        ],
    }
    exported = (0, json.dumps({"version": 3, "deployment": state}), "")
    assert ops_lock(Pulumi(rename=refusal(timedelta(hours=2)), export=exported), "--release") == 0
    shown = capsys.readouterr().out
    assert "interrupted: urn:b\ninterrupted: urn:a\n" in shown
    assert "pulumi refresh --yes --clear-pending-creates --stack prod" in shown


@pytest.mark.parametrize("answers", [{"after": (1, "", "x")}, {"cancel": (1, "", "error: denied\n")}])
def test_a_release_that_did_not_work_is_not_told_as_one(
    ops_lock: Callable[..., int], capsys: pytest.CaptureFixture[str], answers: dict[str, tuple[int, str, str]]
) -> None:
    with pytest.raises(OpsError):
        ops_lock(Pulumi(rename=refusal(timedelta(hours=2)), **answers), "--release")
    assert "released:" not in capsys.readouterr().out


def test_a_lock_that_came_after_the_release_is_told(ops_lock: Callable[..., int]) -> None:
    pulumi = Pulumi(rename=refusal(timedelta(hours=2)), after=refusal(timedelta(), "runner-2"))
    with pytest.raises(OpsError, match=r"was not released \(there is another: root@runner-2"):
        ops_lock(pulumi, "--release")


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ((6, "", "error: no stack named 'prod' found\n"), "no stack named 'prod' found"),
        ((0, "Renamed prod to prod\n", ""), "no output"),
        ((1, "", "error: [409] a stack named prod already exists, it says\n"), "409"),
    ],
)
def test_any_other_answer_is_not_taken_for_free(
    ops_lock: Callable[..., int], answer: tuple[int, str, str], why: str
) -> None:
    with pytest.raises(OpsError, match=rf"did not say whether stack prod is locked \(.*{why}"):
        ops_lock(Pulumi(rename=answer), "--release")


def test_a_state_without_locks_is_told_and_not_tried(ops_lock: Callable[..., int]) -> None:
    pulumi = Pulumi(whoami=(0, '{"user": "me", "url": "https://app.pulumi.com/me"}', ""))
    with pytest.raises(OpsError, match="keeps no locks that can be read here"):
        ops_lock(pulumi, "--release")
    assert pulumi.ran == ["whoami"]
