"""Merge requests of a project."""

import json
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from gitlab.v4.objects import Project, ProjectMergeRequest

from sandbox.gitlab import records
from sandbox.gitlab.store import Store
from tests.support.gitlab_double import Api, GitLabDouble, add_project, refused

FORBIDDEN = (403, {"message": "403 Forbidden"})
NOT_FOUND = (404, {"message": "404 Not found"})
FIELDS = {"source_branch": "feature", "target_branch": "main", "title": "A feature"}


def opened(project: Project, source_branch: str = "feature", **fields: object) -> ProjectMergeRequest:
    made = project.mergerequests.create(FIELDS | {"source_branch": source_branch} | fields)
    assert isinstance(made, ProjectMergeRequest)
    return made


def merge(store: Store, number: int, state: str = "merged") -> None:
    """Put a merge request in a state that no route of the double leads to."""
    (row,) = store.find(records.MergeRequest, id=number)
    store.save(replace(row, state=state))


def test_a_new_merge_request_is_open_and_numbered_in_its_project(project: Project) -> None:
    shown = opened(project, description="why", labels=["b", "a"]).attributes
    assert opened(project, "other").iid == 2
    for name in ("created_at", "updated_at", "prepared_at"):
        assert datetime.fromisoformat(shown[name]).tzinfo is not None
    expected = {
        "iid": 1,
        "project_id": project.id,
        "title": "A feature",
        "description": "why",
        "state": "opened",
        "source_branch": "feature",
        "target_branch": "main",
        "source_project_id": project.id,
        "target_project_id": project.id,
        "labels": ["a", "b"],
        "sha": None,
        "draft": False,
        "merged_at": None,
        "closed_at": None,
        "detailed_merge_status": "mergeable",
        "user_notes_count": 0,
        "web_url": f"{project.web_url}/-/merge_requests/1",
    }
    assert {name: shown[name] for name in expected} == expected
    assert shown["references"]["full"] == f"{project.path_with_namespace}!1"
    assert shown["author"]["username"].startswith("bot_")


def test_a_title_says_that_it_is_a_draft(project: Project) -> None:
    made = opened(project, title="Draft: A feature")
    assert (made.draft, made.detailed_merge_status) == (True, "draft_status")


def test_a_second_open_one_of_the_same_branches_is_a_conflict(project: Project) -> None:
    first = opened(project)
    conflict = (409, {"message": ["Another open merge request already exists for this source branch: !1"]})
    assert refused(lambda: opened(project)) == conflict
    assert opened(project, target_branch="next").iid == 2
    first.state_event = "close"
    first.save()
    assert opened(project).iid == 3
    assert refused(lambda: project.mergerequests.update(1, {"state_event": "reopen"}))[0] == 409


def test_closing_and_reopening_go_there_and_back(project: Project) -> None:
    number = opened(project).iid
    closed = project.mergerequests.update(number, {"state_event": "close"})
    assert (closed["state"], closed["detailed_merge_status"]) == ("closed", "not_open")
    assert closed["closed_at"] == closed["updated_at"]
    assert closed["closed_by"]["id"] == closed["author"]["id"]
    assert project.mergerequests.update(number, {"state_event": "close"})["state"] == "closed"
    reopened = project.mergerequests.update(number, {"state_event": "reopen"})
    assert (reopened["state"], reopened["closed_at"]) == ("opened", None)


def test_a_merged_one_stays_merged(project: Project, store: Store) -> None:
    made = opened(project)
    merge(store, made.id)
    for event in ("close", "reopen"):
        assert project.mergerequests.update(made.iid, {"state_event": event})["state"] == "merged"


def test_an_update_leaves_what_is_not_given(project: Project) -> None:
    number = opened(project, description="why", labels=["a", "b"]).iid
    after = project.mergerequests.update(number, {"title": "Other", "add_labels": "c", "remove_labels": "a"})
    assert (after["title"], after["description"], after["labels"]) == ("Other", "why", ["b", "c"])
    assert project.mergerequests.get(number).title == "Other"


def test_the_list_is_newest_first_and_can_be_narrowed(project: Project, store: Store) -> None:
    for name in ("one", "two", "three", "four"):
        opened(project, name, title=f"Feature {name}")
    project.mergerequests.update(1, {"state_event": "close"})
    merge(store, project.mergerequests.get(2).id)
    merge(store, project.mergerequests.get(3).id, "locked")

    def numbers(**query: Any) -> list[int]:
        return [found.iid for found in project.mergerequests.list(**query)]

    assert numbers() == numbers(state="all") == [4, 3, 2, 1]
    assert [numbers(state=state) for state in ("opened", "locked", "merged", "closed")] == [[4], [3], [2], [1]]
    assert numbers(iids=[1, 4, 9]) == [4, 1]
    assert numbers(source_branch="two") == [2]
    assert numbers(target_branch="next") == []
    assert numbers(search="feature two") == [2]
    assert numbers(order_by="title", sort="asc") == [4, 1, 3, 2]
    assert numbers(per_page=3, page=2) == [1]


@pytest.mark.parametrize("query", ["state=gone", "order_by=iid", "sort=up"])
def test_a_list_query_that_is_not_valid_is_refused(api: Api, query: str) -> None:
    reply = api("GET", f"/merge_requests?{query}")
    assert (reply.status, reply.json()) == (400, {"error": f"{query.partition('=')[0]} does not have a valid value"})


@pytest.mark.parametrize(
    ("fields", "status", "body"),
    [
        ({"title": ""}, 400, {"message": {"title": ["can't be blank"]}}),
        ({"title": "t" * 256}, 400, {"message": {"title": ["is too long (maximum is 255 characters)"]}}),
        ({"source_branch": ""}, 400, {"message": {"source_branch": ["can't be blank", "is invalid"]}}),
        ({"source_branch": "a b"}, 400, {"message": {"source_branch": ["is invalid"]}}),
        ({"target_branch": "-x"}, 400, {"message": {"target_branch": ["is invalid"]}}),
        ({"source_branch": "main"}, 422, {"message": ["You can't use same project/branch for source and target"]}),
        (
            {"description": "d" * (2**20 + 1)},
            400,
            {"message": {"description": ["is too long (1 MB). The maximum size is 1 MB."]}},
        ),
    ],
)
def test_a_field_that_is_not_valid_is_refused(api: Api, fields: dict[str, str], status: int, body: object) -> None:
    reply = api("POST", "/merge_requests", json.dumps(FIELDS | fields).encode())
    assert (reply.status, reply.json()) == (status, body)


def test_all_that_is_missing_is_named(api: Api) -> None:
    reply = api("POST", "/merge_requests", b"{}")
    text = "title is missing, source_branch is missing, target_branch is missing"
    assert (reply.status, reply.json()) == (400, {"error": text})


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"state_event": "merge"}, "state_event does not have a valid value"),
        ({"title": ""}, "title is empty"),
        (
            {"source_branch": "x"},
            "assignee_id, assignee_ids, reviewer_ids, description, labels, add_labels, remove_labels, milestone_id, "
            "remove_source_branch, allow_collaboration, allow_maintainer_to_push, squash, target_branch, title, "
            "state_event, discussion_locked, merge_after are missing, at least one parameter must be provided",
        ),
    ],
)
def test_an_update_that_is_not_valid_is_refused(api: Api, project: Project, fields: dict[str, str], error: str) -> None:
    number = opened(project).iid
    reply = api("PUT", f"/merge_requests/{number}", json.dumps(fields).encode())
    assert (reply.status, reply.json()) == (400, {"error": error})


def test_one_that_is_not_there_is_a_404(api: Api, project: Project) -> None:
    opened(project)
    for verb in ("GET", "PUT"):
        reply = api(verb, "/merge_requests/2", b'{"title":"x"}')
        assert (reply.status, reply.json()) == NOT_FOUND
    reply = api("GET", "/merge_requests/x")
    assert (reply.status, reply.json()) == (400, {"error": "merge_request_iid is invalid"})


def test_developers_open_them_reporters_read_them_and_guests_do_not(double: GitLabDouble, project_path: str) -> None:
    def seen_by(level: int, scope: str = "api") -> Project:
        token = double.new_token(level, path=project_path, scopes=(scope,))
        return double.client(token).projects.get(project_path)

    guest, reporter, developer = (seen_by(level) for level in (10, 20, 30))
    number = opened(developer).iid
    assert reporter.mergerequests.get(number).title == "A feature"
    assert [found.iid for found in seen_by(20, "read_api").mergerequests.list()] == [number]
    assert refused(lambda: opened(reporter, "other")) == FORBIDDEN
    assert refused(lambda: reporter.mergerequests.update(number, {"title": "x"})) == FORBIDDEN
    assert refused(lambda: guest.mergerequests.get(number)) == FORBIDDEN
    assert refused(guest.mergerequests.list) == FORBIDDEN
    assert refused(lambda: opened(seen_by(30, "read_api"), "other"))[1]["error"] == "insufficient_scope"


def test_refusals_come_in_order(double: GitLabDouble, api: Api, project_path: str) -> None:
    reporter, outsider = double.new_token(20, path=project_path), double.new_token(0)
    for token, status in (("", 401), (outsider, 404), (reporter, 403), (None, 400)):
        assert api("POST", "/merge_requests", b"{}", token=token).status == status


def test_those_of_a_public_project_are_read_without_a_token(double: GitLabDouble, store: Store) -> None:
    path = add_project(store, "group/open-mr", visibility="public").path
    opened(double.client(double.new_token(30, path=path)).projects.get(path))
    outsider = Api(double, "", path)
    assert [found["iid"] for found in outsider("GET", "/merge_requests").json()] == [1]
    assert outsider("POST", "/merge_requests", b"{}").status == 401
    stranger = double.client(double.new_token(0)).projects.get(path)
    assert refused(lambda: opened(stranger, "other")) == FORBIDDEN
