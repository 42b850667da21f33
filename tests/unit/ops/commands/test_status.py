"""`python -m ops status`: which stacks it shows, and when it fails."""

import json
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ops import cli, drift
from ops.__main__ import main
from ops.commands import status as status_command
from ops.drift import Drift
from ops.gitlab.drift_issue import Conflict
from ops.preview.plan import Plan

FREE = "error: a stack named prod already exists\n"
TOKEN = "gitlab:index/projectDeployToken:ProjectDeployToken"


def state(**token: Any) -> str:
    outputs = {"deployment": {"image": "blog:1", "commit": None, "pipeline": None, "rolledBack": False}}
    resources: list[dict[str, Any]] = [{"type": "pulumi:pulumi:Stack", "outputs": outputs}]
    if token:
        resources.append({"type": TOKEN, "outputs": token})
    time = (datetime.now(UTC) - timedelta(hours=3)).isoformat()
    return json.dumps({"deployment": {"manifest": {"time": time}, "resources": resources}})


def history() -> str:
    ended = datetime.now(UTC) - timedelta(hours=3)
    config = {"gitlab-deploy:image": {"value": "blog:1", "secret": False}}
    times = {"startTime": (ended - timedelta(seconds=14)).isoformat(), "endTime": ended.isoformat()}
    return json.dumps([{"kind": "update", "result": "succeeded", "config": config, **times}])


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> dict[str, tuple[int, str, str]]:
    """What `pulumi` answers, by the first words of a command."""
    given = {
        "ls": (0, json.dumps([{"name": "prod"}, {"name": "review-7"}]), ""),
        "whoami": (0, '{"url": "s3://bucket"}', ""),
        "export": (0, state(), ""),
        "rename": (255, "", FREE),
        "history": (0, history(), ""),
    }

    def run(*command: str, **_: Any) -> subprocess.CompletedProcess[str]:
        word = command[2] if command[1] == "stack" else command[1]
        # Of one stack alone, if its name is behind the word.
        stack = command[command.index("--stack") + 1] if "--stack" in command else ""
        code, stdout, stderr = given.get(f"{word} {stack}", given[word])
        return subprocess.CompletedProcess(command, code, stdout=stdout, stderr=stderr)

    monkeypatch.setattr(cli, "run", run)
    return given


def status(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr("sys.argv", ["ops", "status", "--offline", *arguments])
    return main()


@pytest.mark.usefixtures("answers")
def test_every_stack_of_the_project_is_shown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert status(monkeypatch) == 0
    since = f"{datetime.now(UTC) - timedelta(hours=3):%Y-%m-%d %H:}"
    printed = capsys.readouterr().out
    for name in ("prod", "review-7"):
        assert f"{name}: last run 3 h ago\n  image blog:1\n  deployed by a developer, since {since}" in printed


@pytest.mark.usefixtures("answers")
def test_json_holds_the_same_of_the_stack_that_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert status(monkeypatch, "--json", "--stack", "prod") == 0
    (document,) = json.loads(capsys.readouterr().out)
    assert (document["stack"], document["image"], document["locks"]) == ("prod", "blog:1", [])
    assert [run["seconds"] for run in document["deployments"]] == [14]


@pytest.mark.usefixtures("answers")
def test_the_page_is_written_beside_the_text_and_holds_no_credential(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    page = tmp_path / "public" / "index.html"
    monkeypatch.setenv("CI_PROJECT_PATH", "group/blog")
    token = "glpat-" + "A1b2C3d4E5f6G7h8I9j0"
    monkeypatch.setattr(status_command, "_serving", lambda _: [(False, f"refused: {token}")])
    monkeypatch.setattr(status_command, "_used", lambda *_: [])
    monkeypatch.setattr("sys.argv", ["ops", "status", "--stack", "prod", "--html", str(page)])
    assert main() == 1
    assert f"written: {page}" in capsys.readouterr().out
    text = page.read_text()
    assert "<title>group/blog: 1 of 1 need attention</title>" in text
    assert "refused: " in text
    assert token not in text


@pytest.mark.usefixtures("answers")
@pytest.mark.parametrize(
    ("conflicts", "failure", "code", "words"),
    [
        ((), None, 0, "ok    no drift"),
        ((Conflict("kubectl", ".spec.replicas"),), "conflict", 1, "FAIL  drift: no changes; others manage .spec"),
        ((), "no passphrase", 1, "FAIL  it is not known whether there is drift"),
    ],
)
def test_drift_is_looked_for_if_that_is_asked(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    conflicts: Any,
    failure: Any,
    code: int,
    words: str,
) -> None:
    found = Drift(plan=Plan("prod", failure=failure), conflicts=conflicts)
    monkeypatch.setattr(drift, "look", lambda *_: found)
    assert status(monkeypatch, "--stack", "prod", "--drift") == code
    assert words in capsys.readouterr().out


@pytest.mark.parametrize(("days", "code", "words"), [(31, 0, "expires on"), (29, 1, "FAIL"), (-1, 1, "has expired")])
def test_a_credential_that_ends_within_30_days_is_a_failed_check(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    answers: dict[str, tuple[int, str, str]],
    days: int,
    code: int,
    words: str,
) -> None:
    expires = (datetime.now(UTC) + timedelta(days)).isoformat()
    answers["export"] = (0, state(name="gitlab-deploy-prod-1", expiresAt=expires), "")
    assert status(monkeypatch, "--stack", "prod") == code
    assert words in capsys.readouterr().out


@pytest.mark.parametrize(
    ("call", "answer", "sentence"),
    [
        ("export prod", (255, "", "error: no passphrase\n"), "of stack prod cannot be read (error: no passphrase)"),
        ("export prod", (0, "not JSON", ""), "of stack prod is none that can be read"),
        ("rename prod", (255, "", "error: 403\n"), "prod"),
    ],
)
def test_a_stack_that_cannot_be_read_is_a_failed_row_and_hides_no_other(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    answers: dict[str, tuple[int, str, str]],
    call: str,
    answer: tuple[int, str, str],
    sentence: str,
) -> None:
    answers[call] = answer
    assert status(monkeypatch) == 1
    first, failed, second = capsys.readouterr().out.splitlines()[:3]
    assert first == "prod: not known"
    assert failed.startswith("  FAIL  ")
    assert sentence in failed
    assert second == "review-7: last run 3 h ago"
    assert status(monkeypatch, "--json") == 1
    unread, other = json.loads(capsys.readouterr().out)
    assert (unread["readable"], other["readable"]) == (False, True)
    assert other["image"] == "blog:1"


def test_a_lock_is_shown_with_the_command_that_looks_at_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], answers: dict[str, tuple[int, str, str]]
) -> None:
    locked = (
        "error: the stack is currently locked by 1 lock(s).\n"
        "  x: created by root@host (pid 57) at 2026-11-24T11:30:00Z\n"
    )
    answers["rename"] = (255, "", locked)
    assert status(monkeypatch, "--stack", "prod") == 0
    assert (
        "locked by root@host (pid 57), since 2026-11-24 11:30:00 UTC; see 'python -m ops lock"
        in capsys.readouterr().out
    )


@pytest.mark.parametrize(
    ("command", "answer", "sentence"),
    [
        ("ls", (255, "", "error: no login\n"), "The stacks cannot be listed (error: no login); run 'pulumi login'"),
        ("ls", (0, "[]", ""), "This project has no stack"),
    ],
)
def test_what_cannot_be_read_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    answers: dict[str, tuple[int, str, str]],
    command: str,
    answer: tuple[int, str, str],
    sentence: str,
) -> None:
    answers[command] = answer
    assert status(monkeypatch) == 2
    assert sentence in capsys.readouterr().err
