"""`python -m ops review` and `note` as jobs run them, against the double."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from gitlab.v4.objects import Project, ProjectMergeRequest

from ops.__main__ import main
from sandbox.gitlab.auth import REPORTER
from tests.support.gitlab_double import GitLabDouble
from tests.support.plans import FOLDER

Review = Callable[..., int]
MARKER = "<!-- gitlab-deploy:review prod -->"


@pytest.fixture
def request_(project: Project) -> ProjectMergeRequest:
    made = project.mergerequests.create({"source_branch": "feature", "target_branch": "main", "title": "t"})
    assert isinstance(made, ProjectMergeRequest)
    return made


@pytest.fixture
def token(double: GitLabDouble, project_path: str) -> str:
    return double.new_token(REPORTER, path=project_path)


@pytest.fixture
def review(
    double: GitLabDouble,
    project: Project,
    request_: ProjectMergeRequest,
    token: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> Review:
    """Runs both commands in jobs of the merge request's pipeline, for the stacks and the recorded plans named."""

    def run(*names: str, **environment: str) -> int:
        variables = {
            "CI_SERVER_URL": double.url,
            "CI_PROJECT_ID": str(project.id),
            "CI_MERGE_REQUEST_IID": str(request_.iid),
            "GITLAB_REVIEW_TOKEN": token,
            "CI_JOB_URL": "https://gitlab.example.com/group/blog/-/jobs/7",
        }
        for name, value in (variables | environment).items():
            monkeypatch.setenv(name, value)
        stacks = [f"{stack}={FOLDER / plan}.json" for stack, _, plan in (name.partition("=") for name in names)]
        monkeypatch.setattr("sys.argv", ["ops", "review", "--plans", str(tmp_path / "plans.json"), *stacks])
        assert main() in {0, 1}
        shown = [name.partition("=")[0] for name in names]
        monkeypatch.setattr("sys.argv", ["ops", "note", str(tmp_path / "plans.json"), *shown])
        return main()

    return run


def notes(request: ProjectMergeRequest) -> list[Any]:
    return [note for note in request.notes.list(get_all=True, sort="asc") if not note.system]


def test_each_stack_has_one_note_that_is_edited_in_place(
    review: Review, request_: ProjectMergeRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    assert review("prod=image", "shop=unchanged") == 0
    assert capsys.readouterr().out.splitlines()[-1] == (
        f"notes on merge request !{request_.iid}: prod written, shop written"
    )
    first = notes(request_)
    assert [note.body.splitlines()[:2] for note in first] == [
        [MARKER, "### `prod`: 1 to update, 2 to replace"],
        ["<!-- gitlab-deploy:review shop -->", "### `shop`: no changes"],
    ]
    assert review("prod=rotation", "shop=unchanged") == 0
    assert capsys.readouterr().out.splitlines()[-1].endswith(": prod edited, shop is unchanged")
    second = notes(request_)
    assert [note.id for note in second] == [note.id for note in first]
    assert second[0].body.splitlines()[1] == "### `prod`: 2 to update, 1 to replace"


def test_no_changes_and_a_failure_are_shown_in_the_same_note(review: Review, request_: ProjectMergeRequest) -> None:
    assert review("prod=image") == 0
    assert review("prod=unchanged") == 0
    assert [note.body.splitlines()[1] for note in notes(request_)] == ["### `prod`: no changes"]
    assert review("prod=broken") == 0
    assert [note.body.splitlines()[1] for note in notes(request_)] == ["### The preview of `prod` failed"]


def test_the_note_is_found_among_more_than_a_page_of_others(review: Review, request_: ProjectMergeRequest) -> None:
    for number in range(60):
        request_.notes.create({"body": f"before {number}"})
    assert review("prod=image") == 0
    for number in range(60):
        request_.notes.create({"body": f"after {number}"})
    assert review("prod=unchanged") == 0
    assert len(notes(request_)) == 121
    assert len([note for note in notes(request_) if note.body.startswith(MARKER)]) == 1


def test_a_note_of_somebody_else_is_never_edited(review: Review, request_: ProjectMergeRequest) -> None:
    quoted = request_.notes.create({"body": f"> {MARKER}\n\nLooks good"})
    forged = request_.notes.create({"body": f"{MARKER}\nnothing changes, merge it"})
    assert review("prod=image") == 0
    assert review("prod=rotation") == 0
    bodies = {note.id: note.body for note in notes(request_)}
    assert bodies.pop(quoted.id) == quoted.body
    assert bodies.pop(forged.id) == forged.body
    assert len(bodies) == 1


@pytest.mark.parametrize(
    ("scopes", "level"), [(("read_api",), REPORTER), (("api",), 10)], ids=["scope too small", "role too low"]
)
def test_a_token_that_may_not_write_is_one_sentence_after_the_log(
    review: Review,
    double: GitLabDouble,
    project_path: str,
    capsys: pytest.CaptureFixture[str],
    scopes: tuple[str, ...],
    level: int,
) -> None:
    weak = double.new_token(level, path=project_path, scopes=scopes)
    assert review("prod=image", GITLAB_REVIEW_TOKEN=weak) == 1
    said = capsys.readouterr()
    assert "prod: 1 to update, 2 to replace" in said.out
    assert said.err.startswith("error: GitLab did not ")
    assert "scope api and role Reporter" in said.err
    assert weak not in said.out + said.err
    assert len(said.err.splitlines()) == 1


def test_a_job_token_writes_no_note(
    review: Review, double: GitLabDouble, project_path: str, request_: ProjectMergeRequest
) -> None:
    assert review("prod=image", GITLAB_REVIEW_TOKEN=double.new_job_token(path=project_path)) == 1
    assert notes(request_) == []


def test_a_gitlab_that_does_not_answer_is_one_sentence(review: Review, capsys: pytest.CaptureFixture[str]) -> None:
    assert review("prod=image", CI_SERVER_URL="http://127.0.0.1:9") == 1
    said = capsys.readouterr()
    assert "prod: 1 to update, 2 to replace" in said.out
    assert "it does not answer (ConnectionError)" in said.err
