"""`python -m ops drift` against the double, with an engine that prints recorded plans."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from gitlab.v4.objects import Project

from ops.__main__ import main
from sandbox.gitlab.auth import REPORTER
from tests.support.gitlab_double import GitLabDouble
from tests.support.plans import FOLDER

ENGINE = """\
#!/bin/sh
echo "$*" >> "$ENGINE_LOG"
test -z "$ENGINE_PLAN" || cat "$ENGINE_PLAN"
test -z "$ENGINE_ERROR" || echo "$ENGINE_ERROR" >&2
exit "$ENGINE_STATUS"
"""
Drift = Callable[..., int]


@pytest.fixture
def token(double: GitLabDouble, project_path: str) -> str:
    return double.new_token(REPORTER, path=project_path)


@pytest.fixture
def drift(double: GitLabDouble, project: Project, token: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Drift:
    """Runs the command in a job, with an engine that prints the recorded plan named."""
    engine = tmp_path / "pulumi"
    engine.write_text(ENGINE)
    engine.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    def run(plan: str, *stacks: str, status: int = 0, error: str = "", **environment: str) -> int:
        variables = {
            "CI_SERVER_URL": double.url,
            "CI_PROJECT_ID": str(project.id),
            "CI_PROJECT_URL": "https://gitlab.example.com/group/blog",
            "CI_JOB_URL": "https://gitlab.example.com/group/blog/-/jobs/7",
            "GITLAB_REVIEW_TOKEN": token,
            "ENGINE_LOG": str(tmp_path / "engine.log"),
            "ENGINE_PLAN": str(FOLDER / f"{plan}.json") if plan else "",
            "ENGINE_STATUS": str(status),
            "ENGINE_ERROR": error,
        }
        for name, value in (variables | environment).items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr("sys.argv", ["ops", "drift", *(stacks or ("prod",))])
        return main()

    return run


def issues(project: Project) -> list[Any]:
    return project.issues.list(get_all=True, sort="asc")


def last(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().out.splitlines()[-1].strip()


def test_drift_opens_one_issue_that_is_edited_only_when_the_drift_changes(
    drift: Drift, project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    assert drift("drift_deleted") == 1
    assert last(capsys) == "issue #1 was opened"
    (issue,) = issues(project)
    assert (issue.title, issue.labels, issue.state) == ("Drift of stack prod", ["drift"], "opened")
    assert "What is deployed differs from what stack `prod` declares: 2 to create." in issue.description
    assert "| :heavy_plus_sign: create | `Service` | `app-service` |  |" in issue.description
    assert "`pulumi up --refresh --stack prod` restores what the stack declares" in issue.description
    assert "https://gitlab.example.com/group/blog/-/pipeline_schedules" in issue.description
    # Another job, the same drift.
    assert drift("drift_deleted", CI_JOB_URL="https://gitlab.example.com/group/blog/-/jobs/8") == 1
    assert last(capsys) == "issue #1 is unchanged"
    assert issues(project)[0].updated_at == issue.updated_at
    assert drift("drift_variable") == 1
    assert last(capsys) == "issue #1 was edited"
    (edited,) = issues(project)
    assert "`protected`: `false` → `true`" in edited.description
    assert "`value`: `[secret]` changed" in edited.description


def test_the_issue_is_closed_with_a_note_without_drift_and_reopened_with_drift(
    drift: Drift, project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    drift("drift_deleted")
    assert drift("drift_none") == 0
    assert last(capsys) == "issue #1 was closed"
    (issue,) = issues(project)
    assert issue.state == "closed"
    assert [note.body for note in issue.notes.list(get_all=True) if not note.system] == [
        "There is no drift any more. <sub>From [job](https://gitlab.example.com/group/blog/-/jobs/7).</sub> Run by the"
        " [pipeline schedules](https://gitlab.example.com/group/blog/-/pipeline_schedules)."
    ]
    assert drift("drift_none") == 0
    assert last(capsys) == "no issue is open"
    assert drift("drift_deleted") == 1
    assert last(capsys) == "issue #1 was reopened"
    (again,) = issues(project)
    assert again.state == "opened"
    assert "2 to create" in again.description


def test_each_stack_has_an_issue_of_its_own(drift: Drift, project: Project) -> None:
    assert drift("drift_deleted", "prod", "prod-eu") == 1
    assert [issue.title for issue in issues(project)] == ["Drift of stack prod", "Drift of stack prod-eu"]
    assert drift("drift_none", "prod") == 0
    assert [issue.state for issue in issues(project)] == ["closed", "opened"]


def test_fields_that_others_took_over_are_drift(
    drift: Drift, project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    assert drift("drift_conflict", status=1) == 1
    assert capsys.readouterr().out.splitlines()[0] == (
        "prod: drift: 1 to update; others manage .spec.replicas (kubectl), "
        '.spec.template.spec.containers[name="app"].image (kubectl-set)'
    )
    (issue,) = issues(project)
    assert "- `.spec.replicas`, by `kubectl`" in issue.description
    assert "`spec.replicas`: `3` → `2`" in issue.description


@pytest.mark.parametrize(
    ("plan", "error"),
    [
        ("unreachable", ""),
        ("broken", ""),
        ("", "error: no stack named 'prod' found"),
        ("", ""),
        ("drift_none", ""),
    ],
    ids=["cluster down", "stack file broken", "no such stack", "no output", "failed without a word"],
)
def test_a_stack_that_cannot_be_previewed_neither_closes_nor_opens_an_issue(
    drift: Drift, project: Project, capsys: pytest.CaptureFixture[str], plan: str, error: str
) -> None:
    assert drift(plan, status=255, error=error) == 1
    assert issues(project) == []
    drift("drift_deleted")
    before = issues(project)[0].attributes
    capsys.readouterr()
    assert drift(plan, status=255, error=error) == 1
    assert capsys.readouterr().out.startswith("prod: it is not known whether there is drift\n")
    assert issues(project)[0].attributes == before


def test_an_issue_of_another_kind_is_left_alone(drift: Drift, project: Project) -> None:
    project.issues.create({"title": "a", "description": "<!-- gitlab-deploy:drift prod -->"})
    project.issues.create({"title": "b", "description": "<!-- gitlab-deploy:drift prod-eu -->", "labels": "drift"})
    project.issues.create({"title": "c", "labels": "drift"})
    before = [issue.attributes for issue in issues(project)]
    assert drift("drift_none") == 0
    assert drift("drift_deleted") == 1
    assert [issue.attributes for issue in issues(project)[:3]] == before
    assert len(issues(project)) == 4


def test_without_a_token_drift_is_in_the_log_alone(
    drift: Drift, project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    assert drift("drift_deleted", GITLAB_REVIEW_TOKEN="") == 1
    log = capsys.readouterr().out
    assert log.startswith("prod: drift: 2 to create\n")
    assert "no issue was written: GITLAB_REVIEW_TOKEN is not set" in log
    assert issues(project) == []


def test_a_read_only_token_fails_with_one_sentence_after_every_stack_is_reported(
    drift: Drift, double: GitLabDouble, project_path: str, capsys: pytest.CaptureFixture[str]
) -> None:
    weak = double.new_token(REPORTER, path=project_path, scopes=("read_api",))
    assert drift("drift_deleted", "a", "b", GITLAB_REVIEW_TOKEN=weak) == 1
    said = capsys.readouterr()
    assert [line for line in said.out.splitlines() if ": drift: " in line] == [
        "a: drift: 2 to create",
        "b: drift: 2 to create",
    ]
    assert "scope api and role Reporter" in said.err


def test_the_engine_refreshes_and_changes_nothing(drift: Drift, tmp_path: Path) -> None:
    drift("drift_none")
    log = (tmp_path / "engine.log").read_text()
    assert log == "preview --refresh --json --non-interactive --stack prod\n"
