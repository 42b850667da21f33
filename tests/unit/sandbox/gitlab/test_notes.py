"""Notes on merge requests and issues."""

import json
from datetime import datetime
from typing import Any

import pytest
from gitlab.v4.objects import Project, ProjectIssue, ProjectMergeRequest

from sandbox.gitlab.store import Store
from tests.support.gitlab_double import Api, GitLabDouble, add_project, refused

FORBIDDEN = (403, {"message": "403 Forbidden"})
NOT_FOUND = (404, {"message": "404 Not found"})
FIELDS = {"source_branch": "feature", "target_branch": "main", "title": "A feature"}
Noteable = ProjectMergeRequest | ProjectIssue


@pytest.fixture(params=["merge_requests", "issues"])
def path(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def noteable(project: Project, path: str) -> Noteable:
    return make(project, path)


def make(project: Project, path: str) -> Noteable:
    made = project.mergerequests.create(FIELDS) if path == "merge_requests" else project.issues.create({"title": "t"})
    assert isinstance(made, Noteable)
    return made


def seen_by(double: GitLabDouble, noteable: Noteable, level: int, scope: str = "api") -> Noteable:
    """The same thing as a new member of its project sees it."""
    path = noteable.references["full"].partition("!")[0].partition("#")[0]
    project = double.client(double.new_token(level, path=path, scopes=(scope,))).projects.get(path)
    found = (project.mergerequests if isinstance(noteable, ProjectMergeRequest) else project.issues).get(noteable.iid)
    assert isinstance(found, Noteable)
    return found


def test_a_note_is_shown_with_what_it_is_on(noteable: Noteable, path: str) -> None:
    made = noteable.notes.create({"body": "*hello* ü\n"})
    shown = noteable.notes.get(made.id).attributes
    for name in ("created_at", "updated_at"):
        assert datetime.fromisoformat(shown[name]).tzinfo is not None
    expected = {
        "id": made.id,
        "type": None,
        "body": "*hello* ü\n",
        "system": False,
        "noteable_id": noteable.id,
        "noteable_iid": noteable.iid,
        "noteable_type": "MergeRequest" if path == "merge_requests" else "Issue",
        "project_id": noteable.project_id,
        "resolvable": False,
        "confidential": False,
        "internal": False,
        "commands_changes": {},
    }
    assert {name: shown[name] for name in expected} == expected
    assert shown["author"] == noteable.author


def test_notes_are_listed_newest_first_and_by_pages(noteable: Noteable) -> None:
    for number in range(5):
        noteable.notes.create({"body": f"n{number}"})
    first = noteable.notes.list(sort="asc")[0]
    first.body = "n0 changed"
    first.save()

    def bodies(**query: Any) -> list[str]:
        return [note.body for note in noteable.notes.list(**query)]

    assert bodies() == ["n4", "n3", "n2", "n1", "n0 changed"]
    assert bodies(sort="asc", per_page=2, page=2) == ["n2", "n3"]
    assert bodies(order_by="updated_at", per_page=1, page=1) == ["n0 changed"]
    assert [note.body for note in noteable.notes.list(iterator=True, per_page=2)] == bodies()


def test_a_changed_description_leaves_a_system_note_that_nobody_edits(noteable: Noteable) -> None:
    noteable.notes.create({"body": "mine"})
    noteable.description = "other"
    noteable.save()
    told, mine = noteable.notes.list()
    assert (told.system, told.body, mine.system) == (True, "changed the description", False)
    assert [note.body for note in noteable.notes.list(activity_filter="only_comments")] == ["mine"]
    assert refused(lambda: noteable.notes.update(told.id, {"body": "x"})) == FORBIDDEN
    assert refused(told.delete) == FORBIDDEN


def test_a_note_is_changed_and_deleted_by_its_author_or_a_maintainer(double: GitLabDouble, noteable: Noteable) -> None:
    author, developer, owner = (seen_by(double, noteable, level) for level in (20, 30, 50))
    number = author.notes.create({"body": "first"}).id
    changed = author.notes.update(number, {"body": "second"})
    assert (changed["body"], changed["author"]["id"]) == ("second", author.notes.get(number).author["id"])
    assert changed["updated_at"] >= changed["created_at"]
    assert refused(lambda: developer.notes.update(number, {"body": "x"})) == FORBIDDEN
    assert refused(lambda: developer.notes.delete(number)) == FORBIDDEN
    assert noteable.notes.update(number, {"body": "by a maintainer"})["body"] == "by a maintainer"
    owner.notes.delete(number)
    assert refused(lambda: author.notes.get(number)) == NOT_FOUND


@pytest.mark.parametrize(
    ("body", "reply"),
    [
        ({}, {"error": "body is missing"}),
        ({"body": ""}, {"message": '400 Bad request - Note {:note=>["can\'t be blank"]}'}),
        (
            {"body": "x" * 1_000_001},
            {"message": '400 Bad request - Note {:note=>["is too long (maximum is 1000000 characters)"]}'},
        ),
    ],
)
def test_a_body_that_is_no_note_is_refused(
    api: Api, noteable: Noteable, path: str, body: dict[str, str], reply: object
) -> None:
    answer = api("POST", f"/{path}/{noteable.iid}/notes", json.dumps(body).encode())
    assert (answer.status, answer.json()) == (400, reply)
    assert noteable.notes.create({"body": "x" * 1_000_000}).id


def test_an_update_to_nothing_is_refused(api: Api, noteable: Noteable, path: str) -> None:
    number = noteable.notes.create({"body": "b"}).id
    reply = api("PUT", f"/{path}/{noteable.iid}/notes/{number}", b'{"body":""}')
    assert (reply.status, reply.json()) == (400, {"error": "body is empty"})


def test_a_note_of_another_is_not_there(api: Api, project: Project, noteable: Noteable, path: str) -> None:
    number = noteable.notes.create({"body": "b"}).id
    other = make(project, "issues" if path == "merge_requests" else "merge_requests")
    for where in (f"/{path}/{noteable.iid}/notes/{number + 1}", f"/{path}/9/notes", f"/{path}/9/notes/{number}"):
        reply = api("GET", where)
        assert (reply.status, reply.json()) == NOT_FOUND
    assert refused(lambda: other.notes.get(number)) == NOT_FOUND


def test_read_api_reads_notes_and_writes_none(double: GitLabDouble, noteable: Noteable) -> None:
    noteable.notes.create({"body": "b"})
    reader = seen_by(double, noteable, 40, "read_api")
    assert [note.body for note in reader.notes.list()] == ["b"]
    assert refused(lambda: reader.notes.create({"body": "b"}))[1]["error"] == "insufficient_scope"


def test_a_guest_reads_no_merge_request_and_no_internal_note(double: GitLabDouble, project: Project, api: Api) -> None:
    issue, merge_request = make(project, "issues"), make(project, "merge_requests")
    guest = double.new_token(10, path=project.path_with_namespace)
    open_note, internal = issue.notes.create({"body": "open"}), issue.notes.create({"body": "i", "internal": True})
    assert (internal.internal, internal.confidential) == (True, True)
    assert [note["id"] for note in api("GET", "/issues/1/notes", token=guest).json()] == [open_note.id]
    assert api("GET", f"/issues/1/notes/{internal.id}", token=guest).status == 404
    assert api("POST", "/issues/1/notes", b'{"body":"b","internal":true}', token=guest).json()["internal"] is False
    reply = api("GET", f"/merge_requests/{merge_request.iid}/notes", token=guest)
    assert (reply.status, reply.json()) == NOT_FOUND


def test_notes_need_a_token_even_where_the_project_is_public(double: GitLabDouble, store: Store, path: str) -> None:
    project_path = add_project(store, f"group/open-{path}", visibility="public").path
    project = double.client(double.new_token(40, path=project_path)).projects.get(project_path)
    made = make(project, path)
    assert Api(double, "", project_path)("GET", f"/{path}/{made.iid}/notes").status == 401
    stranger = Api(double, double.new_token(0), project_path)
    assert stranger("POST", f"/{path}/{made.iid}/notes", b'{"body":"b"}').status == 201


@pytest.mark.parametrize("body", ["/close", "/close\n/label ~bug\n"])
def test_a_note_of_quick_actions_alone_is_no_note(api: Api, project: Project, body: str) -> None:
    iid = project.issues.create({"title": "t"}).iid
    reply = api("POST", f"/issues/{iid}/notes", json.dumps({"body": body}).encode())
    assert reply.status == 202
    assert reply.json().keys() == {"commands_changes", "summary"}
    assert project.issues.get(iid).notes.list(get_all=True) == []
    assert api("POST", f"/issues/{iid}/notes", json.dumps({"body": f"see {body}"}).encode()).status == 201
    assert api("POST", f"/issues/{iid}/notes", b'{"body": "/etc/hosts"}').status == 201
