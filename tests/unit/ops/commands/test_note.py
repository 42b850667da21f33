"""The command, run with what `review --plans` leaves, with no GitLab."""

from pathlib import Path

import pytest

from ops.__main__ import main
from tests.support.plans import FOLDER


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder both commands run in, outside of any job."""
    monkeypatch.chdir(tmp_path)
    for name in ("GITLAB_REVIEW_TOKEN", "CI_MERGE_REQUEST_IID", "CI_PROJECT_DIR"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def ops(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr("sys.argv", ["ops", *arguments])
    return main()


def test_without_a_token_one_line_says_how_to_get_a_note(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CI_MERGE_REQUEST_IID", "1")
    assert ops(monkeypatch, "note", "plans.json", "prod") == 0
    assert capsys.readouterr().out.splitlines()[-1] == (
        "no note was written: GITLAB_REVIEW_TOKEN is not set; make a project access token with scope api and role"
        " Reporter (in GitLab.com's Free tier a personal one of an account made for this), and store it in a masked"
        " variable of that name"
    )


def test_with_a_token_outside_of_a_merge_request_nothing_is_asked_of_gitlab(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GITLAB_REVIEW_TOKEN", "glpat-canary-canary")
    assert ops(monkeypatch, "note", "plans.json", "prod") == 0
    assert "this is not the pipeline of a merge request" in capsys.readouterr().out


@pytest.mark.parametrize("recorded", sorted(path.stem for path in FOLDER.glob("*.json")))
def test_what_the_preview_showed_is_what_the_note_is_made_of(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], recorded: str
) -> None:
    assert ops(monkeypatch, "review", "--plans", "plans.json", f"prod={FOLDER}/{recorded}.json") in {0, 1}
    shown = capsys.readouterr().out
    assert ops(monkeypatch, "note", "plans.json", "prod") == 0
    assert capsys.readouterr().out.startswith(shown)


def test_a_stack_without_a_plan_is_shown_as_a_failed_preview(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ops(monkeypatch, "review", "--plans", "plans.json", f"prod={FOLDER}/image.json") == 0
    assert ops(monkeypatch, "note", "plans.json", "staging") == 0
    assert "the preview of staging failed\n  the job of the preview left no plan of it\n" in capsys.readouterr().out
