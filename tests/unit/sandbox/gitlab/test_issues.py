"""Issues of a project."""

import json
from datetime import datetime
from typing import Any

import pytest
from gitlab.v4.objects import Project

from sandbox.gitlab.store import Store
from tests.support.gitlab_double import Api, GitLabDouble, add_project, refused

FORBIDDEN = (403, {"message": "403 Forbidden"})
NOT_FOUND = (404, {"message": "404 Not found"})
MISSING = (
    "assignee_id, assignee_ids, confidential, created_at, description, discussion_locked, due_date, labels, "
    "add_labels, remove_labels, milestone_id, state_event, title, issue_type are missing, "
    "at least one parameter must be provided"
)


def test_a_new_issue_is_open_and_numbered_in_its_project(project: Project) -> None:
    project.mergerequests.create({"source_branch": "a", "target_branch": "main", "title": "t"})
    given = {"title": "Drift", "description": "- [x] a\n- [ ] b\n", "labels": ["b", "a"]}
    shown = project.issues.create(given).attributes
    assert project.issues.create({"title": "Other"}).iid == 2
    for name in ("created_at", "updated_at"):
        assert datetime.fromisoformat(shown[name]).tzinfo is not None
    expected = {
        "iid": 1,
        "project_id": project.id,
        "title": "Drift",
        "description": "- [x] a\n- [ ] b\n",
        "state": "opened",
        "labels": ["a", "b"],
        "type": "ISSUE",
        "confidential": False,
        "closed_at": None,
        "closed_by": None,
        "has_tasks": True,
        "task_completion_status": {"count": 2, "completed_count": 1},
        "web_url": f"{project.web_url}/-/issues/1",
    }
    assert {name: shown[name] for name in expected} == expected
    assert shown["references"] == {"short": "#1", "relative": "#1", "full": f"{project.path_with_namespace}#1"}
    assert shown["_links"]["notes"].endswith(f"/api/v4/projects/{project.id}/issues/1/notes")


def test_closing_and_reopening_go_there_and_back(project: Project) -> None:
    issue = project.issues.create({"title": "Drift"})
    issue.state_event = "close"
    issue.save()
    closed = project.issues.get(issue.iid)
    assert (closed.state, closed.attributes["closed_by"]) == ("closed", closed.author)
    assert closed.closed_at == closed.updated_at
    reopened = project.issues.update(issue.iid, {"state_event": "reopen"})
    assert (reopened["state"], reopened["closed_at"], reopened["closed_by"]) == ("opened", None, None)


def test_an_update_leaves_what_is_not_given(project: Project) -> None:
    number = project.issues.create({"title": "Drift", "description": "d", "labels": "a,b"}).iid
    after = project.issues.update(number, {"add_labels": "c", "remove_labels": ["a"]})
    assert (after["title"], after["description"], after["labels"]) == ("Drift", "d", ["b", "c"])
    after = project.issues.update(number, {"title": "Other", "description": "", "labels": ""})
    assert (after["title"], after["description"], after["labels"]) == ("Other", "", [])


def test_the_list_is_newest_first_and_can_be_narrowed(project: Project) -> None:
    project.issues.create({"title": "Drift of prod", "labels": "drift,prod"})
    project.issues.create({"title": "b", "description": "of the Drift", "labels": "drift"})
    project.issues.create({"title": "c", "confidential": True})
    project.issues.update(2, {"state_event": "close"})

    def numbers(**query: Any) -> list[int]:
        return [found.iid for found in project.issues.list(**query)]

    assert numbers() == numbers(state="all") == [3, 2, 1]
    assert (numbers(state="opened"), numbers(state="closed")) == ([3, 1], [2])
    assert numbers(labels=["drift"]) == [2, 1]
    assert numbers(labels=["drift", "prod"]) == [1]
    assert (numbers(labels="None"), numbers(labels="Any")) == ([3], [2, 1])
    assert numbers(search="drift of") == [2, 1]
    assert numbers(search="drift of", **{"in": "title"}) == [1]
    assert numbers(iids=[1, 3]) == [3, 1]
    assert numbers(confidential=True) == [3]
    assert numbers(order_by="updated_at") == [2, 3, 1]
    assert numbers(sort="asc", per_page=2, page=2) == [3]


@pytest.mark.parametrize("query", ["state=merged", "order_by=iid", "sort=up"])
def test_a_list_query_that_is_not_valid_is_refused(api: Api, query: str) -> None:
    reply = api("GET", f"/issues?{query}")
    assert (reply.status, reply.json()) == (400, {"error": f"{query.partition('=')[0]} does not have a valid value"})


@pytest.mark.parametrize(
    ("fields", "body"),
    [
        ({}, {"error": "title is missing"}),
        ({"title": ""}, {"message": {"title": ["can't be blank"]}}),
        ({"title": "t" * 256}, {"message": {"title": ["is too long (maximum is 255 characters)"]}}),
        ({"title": "t", "confidential": ""}, {"error": "confidential is empty"}),
        ({"title": "t", "labels": {"a": "b"}}, {"error": "labels is invalid"}),
    ],
)
def test_an_issue_that_is_not_valid_is_refused(api: Api, fields: dict[str, object], body: object) -> None:
    reply = api("POST", "/issues", json.dumps(fields).encode())
    assert (reply.status, reply.json()) == (400, body)


@pytest.mark.parametrize(
    ("fields", "body"),
    [
        ({"state_event": "merge"}, {"error": "state_event does not have a valid value"}),
        ({"title": "t" * 256}, {"message": {"title": ["is too long (maximum is 255 characters)"]}}),
        ({"title": None}, {"message": {"title": ["can't be blank"]}}),
        ({"unknown": 1}, {"error": MISSING}),
    ],
)
def test_an_update_that_is_not_valid_is_refused(api: Api, fields: dict[str, object], body: object) -> None:
    api("POST", "/issues", b'{"title":"t"}')
    reply = api("PUT", "/issues/1", json.dumps(fields).encode())
    assert (reply.status, reply.json()) == (400, body)


def test_one_that_is_not_there_is_a_404(api: Api) -> None:
    for verb in ("GET", "PUT"):
        reply = api(verb, "/issues/1", b'{"title":"x"}')
        assert (reply.status, reply.json()) == NOT_FOUND


def test_guests_open_issues_and_change_their_own_reporters_all(double: GitLabDouble, project_path: str) -> None:
    def seen_by(level: int, scope: str = "api") -> Project:
        token = double.new_token(level, path=project_path, scopes=(scope,))
        return double.client(token).projects.get(project_path)

    guest, reporter = seen_by(10), seen_by(20)
    reporter.issues.create({"title": "theirs", "labels": "known"})
    own = guest.issues.create({"title": "mine", "labels": "known,new"})
    assert own.labels == ["known"]
    assert guest.issues.update(own.iid, {"title": "still mine", "labels": "new"})["labels"] == ["known"]
    assert refused(lambda: guest.issues.update(1, {"title": "x"})) == FORBIDDEN
    assert reporter.issues.update(own.iid, {"state_event": "close"})["state"] == "closed"
    assert seen_by(20, "read_api").issues.get(1).title == "theirs"
    assert refused(lambda: seen_by(40, "read_api").issues.create({"title": "x"}))[1]["error"] == "insufficient_scope"


def test_a_confidential_issue_is_for_reporters_and_its_author(double: GitLabDouble, project: Project) -> None:
    project.issues.create({"title": "secret", "confidential": True})
    token = double.new_token(10, path=project.path_with_namespace)
    guest = double.client(token).projects.get(project.path_with_namespace)
    assert guest.issues.list() == []
    assert refused(lambda: guest.issues.get(1)) == NOT_FOUND
    own = guest.issues.create({"title": "mine", "confidential": True})
    assert [issue.iid for issue in guest.issues.list()] == [own.iid]


def test_those_of_a_public_project_are_read_by_all_and_written_with_a_token(double: GitLabDouble, store: Store) -> None:
    path = add_project(store, "group/all-issues", visibility="public").path
    stranger = Api(double, double.new_token(0), path)
    assert stranger("POST", "/issues", b'{"title":"t"}').status == 201
    nobody = Api(double, "", path)
    assert nobody("GET", "/issues/1").json()["title"] == "t"
    assert nobody("POST", "/issues", b'{"title":"t"}').status == 401


def test_refusals_come_in_order(double: GitLabDouble, api: Api, project: Project, project_path: str) -> None:
    project.issues.create({"title": "t"})
    guest, outsider = double.new_token(10, path=project_path), double.new_token(0)
    for token, status in (("", 401), (outsider, 404), (guest, 403), (None, 400)):
        assert api("PUT", "/issues/1", b"{}", token=token).status == status


@pytest.mark.parametrize("labels", ["a,b", ["a,b"], ["a", "b"], [" a ", "b,"]])
def test_a_comma_divides_labels_in_a_list_too(project: Project, labels: object) -> None:
    assert project.issues.create({"title": "t", "labels": labels}).labels == ["a", "b"]
