"""Notes on issues and merge requests (lib/api/notes.rb, app/policies/note_policy.rb).

A job's token reads those of merge requests, and does nothing else. The double runs no quick actions: a body of nothing
else is no note, and within a text they are text to it.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.gitlab import auth, issuables, issues
from sandbox.gitlab.issuables import Access
from sandbox.gitlab.paging import paginated
from sandbox.gitlab.parameters import path_integer, read_parameters, timestamp
from sandbox.gitlab.records import Issuable, Issue, MergeRequest, Note
from sandbox.gitlab.refusals import message, not_found
from sandbox.gitlab.validation import BLANK

# Gitlab::Database::MAX_TEXT_SIZE_LIMIT
BODY_LENGTH = 1_000_000
# Some of lib/gitlab/quick_actions/*.rb
QUICK_ACTION = re.compile(
    r"/(close|reopen|label|unlabel|relabel|assign|unassign|lock|unlock|title|todo|done|draft|ready)\b"
)
FILTERS = ("all_notes", "only_comments", "only_activity")


def check(body: str) -> None:
    """Refuse a text that is no note, in GitLab's words: the hash of errors as Ruby prints it."""
    complaints = {
        BLANK: not body.strip(),
        f"is too long (maximum is {BODY_LENGTH} characters)": len(body) > BODY_LENGTH,
    }
    for complaint, broken in complaints.items():
        if broken:
            raise message(400, f'400 Bad request - Note {{:note=>["{complaint}"]}}')


def only_commands(body: str) -> list[str]:
    """Return the quick actions of a text that is nothing else, and none of one that is."""
    lines = [line.strip() for line in body.splitlines() if line.strip()]
    return lines if all(QUICK_ACTION.match(line) for line in lines) else []


def find_issue(request: Request, access: Access) -> Issuable:
    """Return the issue of the route."""
    return issues.one(request, access, "noteable_id")


def find_merge_request(request: Request, access: Access) -> Issuable:
    """Return the merge request of the route."""
    return issuables.one(request, access, MergeRequest, "noteable_id")


@dataclass(frozen=True)
class Notes:
    """The five routes for the notes on one kind of thing, which `reader` and above may read in a private project."""

    kind: type[Issuable]
    path: str
    reader: int
    jobs: bool
    find: Callable[[Request, Access], Issuable]

    def noteable(self, request: Request) -> tuple[Access, Issuable]:
        """Return the caller and what the notes are on, once they may read it."""
        jobs = self.jobs and request.method in auth.READ_VERBS
        access = issuables.enter(request, auth.GUEST, jobs=jobs, anonymous=False)
        # A finder looks it up among those the caller may read, so to a Guest a merge request is not there at all.
        if access.level < self.reader and access.project.visibility != "public":
            raise not_found()
        return access, self.find(request, access)

    def of(self, access: Access, noteable: Issuable) -> list[Note]:
        """Return the notes that the caller may see: internal ones are for Reporters and their author."""
        user = access.user.id if access.user else 0
        return [
            note
            for note in access.store.find(Note, noteable_kind=self.kind.kind, noteable_id=noteable.id)
            if not note.internal or access.level >= auth.REPORTER or note.author_id == user
        ]

    def one(self, request: Request, access: Access, noteable: Issuable) -> Note:
        """Return the note of the route's id."""
        number = path_integer(request, "note_id")
        for note in self.of(access, noteable):
            if note.id == number:
                return note
        raise not_found()

    def own(self, request: Request) -> tuple[Access, Issuable, Note]:
        """Return a note that the caller may change: its author or a Maintainer, and nobody a system note."""
        access, noteable = self.noteable(request)
        note = self.one(request, access, noteable)
        author = access.user is not None and access.user.id == note.author_id
        if note.system or not (author or access.level >= auth.MAINTAINER):
            raise message(403, "403 Forbidden")
        return access, noteable, note

    def entity(self, request: Request, noteable: Issuable, note: Note) -> dict[str, object]:
        """Return a note as the API shows it (lib/api/entities/note.rb)."""
        return {
            "id": note.id,
            "type": None,
            "body": note.body,
            "attachment": None,
            "author": issuables.person(request, note.author_id),
            "created_at": note.created_at,
            "updated_at": note.updated_at,
            "system": note.system,
            "noteable_id": note.noteable_id,
            "noteable_type": note.noteable_kind,
            "project_id": noteable.project_id,
            "resolvable": False,
            "confidential": note.internal,
            "internal": note.internal,
            "imported": False,
            "imported_from": "none",
            "noteable_iid": noteable.iid,
            "commands_changes": {},
        }

    async def index(self, request: Request) -> Response:
        """GET: a page of all, newest first unless `sort` and `order_by` say otherwise."""
        access, noteable = self.noteable(request)
        parameters = await read_parameters(request)
        parameters.string("order_by", values=("created_at", "updated_at"))
        parameters.string("sort", values=("asc", "desc"))
        parameters.string("activity_filter", values=FILTERS)
        given = parameters.declared()
        field, shown = given.get("order_by") or "created_at", given.get("activity_filter") or "all_notes"
        rows = [
            note for note in self.of(access, noteable) if shown == "all_notes" or note.system == (shown == FILTERS[2])
        ]
        rows.sort(key=lambda note: (getattr(note, field), note.id), reverse=(given.get("sort") or "desc") == "desc")
        return paginated(request, parameters, [self.entity(request, noteable, row) for row in rows])

    async def create(self, request: Request) -> Response:
        """POST by all who may read: 201 with the new note. `internal` is for Reporters."""
        access, noteable = self.noteable(request)
        author = access.require(auth.GUEST)
        parameters = await read_parameters(request)
        parameters.string("body", required=True)
        for name in ("internal", "confidential"):
            parameters.boolean(name)
        given = parameters.declared()
        check(given["body"] or "")
        if commands := only_commands(given["body"]):
            # lib/api/notes.rb: there is no note; the answer says what was done instead.
            return JSONResponse({"commands_changes": {}, "summary": commands}, 202)
        now = timestamp(datetime.now(UTC))
        internal = bool(given.get("internal") or given.get("confidential"))
        note = Note(
            noteable_kind=self.kind.kind,
            noteable_id=noteable.id,
            author_id=author.id,
            body=given["body"],
            internal=internal and access.level >= auth.REPORTER,
            created_at=now,
            updated_at=now,
        )
        return JSONResponse(self.entity(request, noteable, access.store.add(note)), 201)

    async def get(self, request: Request) -> Response:
        """GET of one: 200."""
        access, noteable = self.noteable(request)
        return JSONResponse(self.entity(request, noteable, self.one(request, access, noteable)))

    async def update(self, request: Request) -> Response:
        """PUT: 200 with the new body."""
        access, noteable, note = self.own(request)
        parameters = await read_parameters(request)
        parameters.string("body")
        parameters.filled("body")
        body = parameters.declared().get("body", note.body)
        check(body)
        if body != note.body:
            note = replace(note, body=body, updated_at=timestamp(datetime.now(UTC)))
            access.store.save(note)
        return JSONResponse(self.entity(request, noteable, note))

    async def delete(self, request: Request) -> Response:
        """DELETE: 204 without a body."""
        access, _, note = self.own(request)
        access.store.remove(note)
        return Response(status_code=204)

    def routes(self) -> list[Route]:
        """Return the routes."""
        many = f"/projects/{{id}}/{self.path}/{{noteable_id}}/notes"
        single = f"{many}/{{note_id}}"
        return [
            Route(many, self.index, methods=["GET"]),
            Route(many, self.create, methods=["POST"]),
            Route(single, self.get, methods=["GET"]),
            Route(single, self.update, methods=["PUT"]),
            Route(single, self.delete, methods=["DELETE"]),
        ]


MERGE_REQUEST_NOTES = Notes(MergeRequest, "merge_requests", auth.REPORTER, jobs=True, find=find_merge_request)
ISSUE_NOTES = Notes(Issue, "issues", auth.GUEST, jobs=False, find=find_issue)
