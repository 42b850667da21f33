"""What issues and merge requests share (app/models/concerns/issuable.rb, lib/api/entities/issuable_entity.rb)."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from starlette.requests import Request

from sandbox.gitlab import auth
from sandbox.gitlab.parameters import Parameters, path_integer
from sandbox.gitlab.projects import base_url
from sandbox.gitlab.records import Issuable, Note, Project, User
from sandbox.gitlab.refusals import message, not_found
from sandbox.gitlab.store import Store
from sandbox.gitlab.validation import BLANK, TOO_LONG, Problems

IssuableT = TypeVar("IssuableT", bound=Issuable)

DESCRIPTION_LENGTH = 2**20
# Those that tell nothing apart here, as `priority`, leave the order of creation.
ORDERS = ("created_at", "label_priority", "milestone_due", "popularity", "priority", "title", "updated_at")
EVENTS = {"close": ("opened", "closed"), "reopen": ("closed", "opened")}


@dataclass(frozen=True)
class Access:
    """A caller, None for one without a token, before a project: `level` is what they hold there, 0 is nothing."""

    store: Store
    project: Project
    user: User | None
    level: int

    def require(self, level: int) -> User:
        """Return the caller, who must have this level (403)."""
        if self.user is None or self.level < level:
            raise message(403, "403 Forbidden")
        return self.user


def enter(request: Request, reader: int, *, jobs: bool = False, anonymous: bool = True) -> Access:
    """Let a caller in who may read what the route is about, and has the level `reader` for it in a private project.

    A public project is read by all, without a token where `anonymous`, and who has one is as good as a Guest of it.
    `jobs` tells whether a job's token is taken. Raises Refusal 401, 403 and 404 as `auth` says.
    """
    open_to_all = anonymous and request.method in auth.READ_VERBS
    user = auth.caller(request, jobs=jobs) if open_to_all else auth.authenticate(request, jobs=jobs)
    project = auth.readable_project(request, user)
    level = auth.access_level(request.app.state.store, user, project.path)
    public = project.visibility == "public"
    if level < reader and not public:
        raise message(403, "403 Forbidden")
    if public and user is not None:
        level = max(level, auth.GUEST)
    return Access(request.app.state.store, project, user, level)


def one(request: Request, access: Access, kind: type[IssuableT], name: str) -> IssuableT:
    """Return the issue or merge request of the route's iid; Refusal 404 where there is none."""
    for row in access.store.find(kind, project_id=access.project.id, iid=path_integer(request, name)):
        return row
    raise not_found()


def next_iid(access: Access, kind: type[Issuable]) -> int:
    """Return the number of the project's next issue or merge request: they count from 1, each kind by itself."""
    return max((row.iid for row in access.store.find(kind, project_id=access.project.id)), default=0) + 1


def declare_list(parameters: Parameters, states: Sequence[str], orders: Sequence[str]) -> None:
    """Declare what both lists can be narrowed and sorted by."""
    parameters.string("state", values=(*states, "all"))
    parameters.string("order_by", values=orders)
    parameters.string("sort", values=("asc", "desc"))
    parameters.string("search")
    parameters.string("in")
    parameters.strings("labels")
    parameters.integers("iids")


def listed(rows: Sequence[IssuableT], given: Mapping[str, Any]) -> list[IssuableT]:
    """Return the rows a list asks for, newest first unless it says otherwise."""
    words = (given.get("search") or "").lower().split()
    columns = (given.get("in") or "title,description").split(",")
    labels = given.get("labels") or []
    state = given.get("state") or "all"

    def wanted(row: Issuable) -> bool:
        texts = [str(getattr(row, column) or "").lower() for column in ("title", "description") if column in columns]
        return (
            state in ("all", row.state)
            and (not given.get("iids") or row.iid in given["iids"])
            and any(all(word in text for word in words) for text in texts)
            and labels_match(row, labels)
        )

    order = given.get("order_by") or "created_at"
    field = order if order in ("title", "updated_at") else "created_at"
    descending = (given.get("sort") or "desc") == "desc"
    return sorted(filter(wanted, rows), key=lambda row: (getattr(row, field), row.id), reverse=descending)


def labels_match(row: Issuable, labels: Sequence[str]) -> bool:
    """Tell whether a row has all of the labels; `None` and `Any` alone ask for rows without and with one."""
    if [label.lower() for label in labels] in (["none"], ["any"]):
        return bool(row.labels) == (labels[0].lower() == "any")
    return set(labels) <= set(row.labels)


def declare_labels(parameters: Parameters) -> None:
    """Declare the three ways to set labels."""
    for name in ("labels", "add_labels", "remove_labels"):
        parameters.strings(name)


def with_labels(before: Sequence[str], given: dict[str, Any]) -> tuple[str, ...]:
    """Take the labels out of the parameters given and return those that are set after them."""
    kept = {*given.pop("labels", before), *given.pop("add_labels", [])}
    return tuple(sorted(kept - set(given.pop("remove_labels", []))))


def after_event(row: IssuableT, event: str | None, user: User, now: str) -> IssuableT:
    """Return a row after `close` or `reopen`; one in a state the event does not start from stays as it is."""
    before, after = EVENTS.get(event or "", (None, ""))
    if row.state != before:
        return row
    closed = after == "closed"
    return replace(row, state=after, closed_at=now if closed else None, closed_by_id=user.id if closed else None)


def problems_of(row: Issuable) -> Problems:
    """Return the complaints about what both have, by field."""
    problems: Problems = {}
    if not row.title.strip():
        problems["title"] = [BLANK]
    elif len(row.title) > 255:
        problems["title"] = [TOO_LONG]
    size = len((row.description or "").encode())
    if size > DESCRIPTION_LENGTH:
        problems["description"] = [f"is too long ({size / 2**20:.3g} MB). The maximum size is 1 MB."]
    return problems


def saved(access: Access, before: IssuableT, after: IssuableT, now: str) -> IssuableT:
    """Store what an update made of a row, with its system note, and return it; nothing where all stayed."""
    if after == before:
        return before
    after = replace(after, updated_at=now)
    access.store.save(after)
    _tell_description(access, before, after, now)
    return after


def _tell_description(access: Access, before: Issuable, after: Issuable, now: str) -> None:
    """Add the system note of a changed description."""
    if before.description != after.description and access.user:
        access.store.add(
            Note(
                noteable_kind=after.kind,
                noteable_id=after.id,
                author_id=access.user.id,
                body="changed the description",
                created_at=now,
                updated_at=now,
                system=True,
            )
        )


def person(request: Request, number: int | None) -> dict[str, object] | None:
    """Return a user as others see them (lib/api/entities/user_basic.rb)."""
    for user in request.app.state.store.find(User, id=number):
        return {
            "id": user.id,
            "username": user.username,
            "public_email": None,
            "name": user.name,
            "state": "active",
            "locked": False,
            "avatar_url": None,
            "web_url": f"{base_url(request)}/{user.username}",
        }
    return None


def common(request: Request, project: Project, row: Issuable, sign: str, path: str) -> dict[str, object]:
    """Return the fields both show; `sign` is # or !, `path` the part of the web address before the iid."""
    notes = request.app.state.store.count(Note, noteable_kind=row.kind, noteable_id=row.id, system=False)
    tasks = re.findall(r"^\s*(?:[-*+]|\d+\.)\s+\[([ xX~])\]\s", row.description or "", re.MULTILINE)
    return {
        "id": row.id,
        "iid": row.iid,
        "project_id": row.project_id,
        "title": row.title,
        "description": row.description,
        "state": row.state,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
        "closed_at": row.closed_at,
        "closed_by": person(request, row.closed_by_id),
        "labels": row.labels,
        "milestone": None,
        "assignees": [],
        "author": person(request, row.author_id),
        "assignee": None,
        "user_notes_count": notes,
        "upvotes": 0,
        "downvotes": 0,
        "discussion_locked": None,
        "web_url": f"{base_url(request)}/{project.path}/-/{path}/{row.iid}",
        "time_stats": {
            "time_estimate": 0,
            "total_time_spent": 0,
            "human_time_estimate": None,
            "human_total_time_spent": None,
        },
        "task_completion_status": {"count": len(tasks), "completed_count": sum(mark in "xX" for mark in tasks)},
        "references": {
            "short": f"{sign}{row.iid}",
            "relative": f"{sign}{row.iid}",
            "full": f"{project.path}{sign}{row.iid}",
        },
        "imported": False,
        "imported_from": "none",
    }
