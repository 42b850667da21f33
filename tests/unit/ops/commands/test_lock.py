"""`python -m ops lock`: which locks it shows, and which it releases."""

import json
import socket
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from ops import cli
from ops.__main__ import main

# More than the kernel's highest pid.
NO_PID = 2**22 + 7
REFUSAL = """\
error: the stack is currently locked by {count} lock(s). Either wait for the other process(es) to end or delete the \
lock file with `pulumi cancel`.
  s3://****:****@bucket/.pulumi/locks/organization/p/prod/a.json: created by root@runner-1 (pid 57) at \
2026-11-24T11:30:00+01:00
"""
FREE = "error: a stack named prod already exists\n"


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
        monkeypatch.setattr(cli, "run", pulumi.run)
        monkeypatch.setattr("sys.argv", ["ops", "lock", "--stack", "prod", *more])
        return main()

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


def test_a_release_lists_what_was_interrupted(ops_lock: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
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


def test_a_container_that_was_being_created_is_left_to_the_next_up(
    ops_lock: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    urn = "urn:pulumi:prod::gitlab-deploy::gitlab-deploy:index:DockerApp$docker:index/container:Container::app"
    state = {"resources": [], "pending_operations": [{"type": "creating", "resource": {"urn": urn}}]}
    exported = (0, json.dumps({"version": 3, "deployment": state}), "")
    assert ops_lock(Pulumi(rename=refusal(timedelta(hours=2)), export=exported), "--release") == 0
    shown = capsys.readouterr().out
    assert f"interrupted: {urn}\n" in shown
    assert "the next 'pulumi up' removes what there is of it" in shown
    assert "see whether each exists" not in shown


@pytest.mark.parametrize("answers", [{"after": (1, "", "x")}, {"cancel": (1, "", "error: denied\n")}])
def test_a_release_that_failed_is_not_reported_as_one(
    ops_lock: Callable[..., int], capsys: pytest.CaptureFixture[str], answers: dict[str, tuple[int, str, str]]
) -> None:
    assert ops_lock(Pulumi(rename=refusal(timedelta(hours=2)), **answers), "--release") == 2
    shown = capsys.readouterr()
    assert "released:" not in shown.out
    assert len(shown.err.splitlines()) == 1


def test_a_lock_that_came_after_the_release_is_reported(
    ops_lock: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    pulumi = Pulumi(rename=refusal(timedelta(hours=2)), after=refusal(timedelta(), "runner-2"))
    assert ops_lock(pulumi, "--release") == 2
    assert "was not released (there is another: root@runner-2" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ((6, "", "error: no stack named 'prod' found\n"), "no stack named 'prod' found"),
        ((0, "Renamed prod to prod\n", ""), "no output"),
        ((1, "", "error: [409] a stack named prod already exists, it says\n"), "409"),
    ],
)
def test_any_other_answer_is_not_taken_for_free(
    ops_lock: Callable[..., int], capsys: pytest.CaptureFixture[str], answer: tuple[int, str, str], why: str
) -> None:
    assert ops_lock(Pulumi(rename=answer), "--release") == 2
    error = capsys.readouterr().err
    assert "did not say whether stack prod is locked (" in error
    assert why in error


def test_a_state_without_locks_is_reported_and_not_tried(
    ops_lock: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    pulumi = Pulumi(whoami=(0, '{"user": "me", "url": "https://app.pulumi.com/me"}', ""))
    assert ops_lock(pulumi, "--release") == 2
    assert "has no locks that can be read here" in capsys.readouterr().err
    assert pulumi.ran == ["whoami"]


def test_what_a_lock_says_of_its_user_is_shown_as_printable_text(
    ops_lock: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, text = refusal(timedelta(minutes=90))
    hostile = text.replace("root@", "section_start:1:x\r\x1b[0K\x1b]0;me@")
    assert ops_lock(Pulumi(rename=(code, "", hostile))) == 1
    shown = capsys.readouterr().out
    assert "section_start:1:x\\r\\u001b[0K\\u001b]0;me@runner-1" in shown
    assert shown.replace("\n", "").isprintable()


@pytest.mark.parametrize("timeout", ["soon", "nan", "inf", "-1", "1e300"])
def test_a_job_timeout_that_is_no_number_of_minutes_is_one_sentence(
    ops_lock: Callable[..., int], capsys: pytest.CaptureFixture[str], timeout: str
) -> None:
    assert ops_lock(Pulumi(), f"--job-timeout={timeout}") == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
