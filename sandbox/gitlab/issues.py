"""Issues of a project (lib/api/issues.rb, app/policies/issue_policy.rb). No route takes a job's token."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.gitlab import auth, issuables
from sandbox.gitlab.issuables import Access
from sandbox.gitlab.paging import paginated
from sandbox.gitlab.parameters import Parameters, read_parameters, timestamp
from sandbox.gitlab.projects import base_url
from sandbox.gitlab.records import Issue
from sandbox.gitlab.refusals import invalid, not_found

STATES = ("opened", "closed")
ORDERS = (*issuables.ORDERS, "due_date", "relative_position")
# API::Helpers::IssuesHelpers.update_params_at_least_one_of, in its order; those not declared change nothing here.
UPDATED = (
    "assignee_id",
    "assignee_ids",
    "confidential",
    "created_at",
    "description",
    "discussion_locked",
    "due_date",
    "labels",
    "add_labels",
    "remove_labels",
    "milestone_id",
    "state_event",
    "title",
    "issue_type",
)


def entity(request: Request, access: Access, issue: Issue) -> dict[str, object]:
    """Return an issue as the API shows it."""
    common = issuables.common(request, access.project, issue, "#", "issues")
    api = f"{base_url(request)}/api/v4/projects/{access.project.id}"
    tasks: Any = common["task_completion_status"]
    return common | {
        "type": "ISSUE",
        "issue_type": "issue",
        "merge_requests_count": 0,
        "due_date": None,
        "confidential": issue.confidential,
        "has_tasks": tasks["count"] > 0,
        "_links": {
            "self": f"{api}/issues/{issue.iid}",
            "notes": f"{api}/issues/{issue.iid}/notes",
            "award_emoji": f"{api}/issues/{issue.iid}/award_emoji",
            "project": api,
            "closed_as_duplicate_of": None,
        },
        "severity": "UNKNOWN",
        "moved_to_id": None,
        "service_desk_reply_to": None,
    }


def full_entity(request: Request, access: Access, issue: Issue) -> dict[str, object]:
    """Return an issue as it is shown alone."""
    own = access.user is not None and access.user.id == issue.author_id
    return entity(request, access, issue) | {"subscribed": own}


def readable(access: Access, issue: Issue) -> bool:
    """Tell whether the caller may see an issue: a confidential one is for Reporters and its author."""
    own = access.user is not None and access.user.id == issue.author_id
    return not issue.confidential or own or access.level >= auth.REPORTER


def one(request: Request, access: Access, name: str = "issue_iid") -> Issue:
    """Return the issue of the route's iid, if the caller may see it."""
    issue = issuables.one(request, access, Issue, name)
    if not readable(access, issue):
        raise not_found()
    return issue


def declare(parameters: Parameters) -> None:
    """Declare what create and update share."""
    parameters.string("description")
    parameters.boolean("confidential")
    parameters.filled("confidential")
    issuables.declare_labels(parameters)


def known_labels(access: Access) -> set[str]:
    """Return the project's labels: here, those that an issue has."""
    return {label for issue in access.store.find(Issue, project_id=access.project.id) for label in issue.labels}


async def index(request: Request) -> Response:
    """GET: a page of those that the parameters leave, newest first."""
    access = issuables.enter(request, auth.GUEST)
    parameters = await read_parameters(request)
    issuables.declare_list(parameters, STATES, ORDERS)
    parameters.boolean("confidential")
    given = parameters.declared()
    confidential: Sequence[bool] = (True, False) if given.get("confidential") is None else (given["confidential"],)
    rows = [
        row
        for row in access.store.find(Issue, project_id=access.project.id)
        if readable(access, row) and row.confidential in confidential
    ]
    found = issuables.listed(rows, given)
    return paginated(request, parameters, [entity(request, access, row) for row in found])


async def create(request: Request) -> Response:
    """POST: 201 with the new issue. A Guest sets labels that the project has, a Reporter makes new ones."""
    access = issuables.enter(request, auth.GUEST)
    author = access.require(auth.GUEST)
    parameters = await read_parameters(request)
    parameters.string("title", required=True)
    declare(parameters)
    given = parameters.declared()
    labels = issuables.with_labels((), given)
    if access.level < auth.REPORTER:
        known = known_labels(access)
        labels = tuple(label for label in labels if label in known)
    now = timestamp(datetime.now(UTC))
    draft = Issue(
        project_id=access.project.id,
        iid=issuables.next_iid(access, Issue),
        author_id=author.id,
        labels=labels,
        title=given.pop("title") or "",
        created_at=now,
        updated_at=now,
        **given,
    )
    if problems := issuables.problems_of(draft):
        raise invalid(problems)
    return JSONResponse(full_entity(request, access, access.store.add(draft)), 201)


async def get(request: Request) -> Response:
    """GET of one: 200."""
    access = issuables.enter(request, auth.GUEST)
    return JSONResponse(full_entity(request, access, one(request, access)))


async def update(request: Request) -> Response:
    """PUT by a Reporter or the author: 200; what is not given stays. Labels are set by Reporters alone."""
    access = issuables.enter(request, auth.GUEST)
    previous = one(request, access)
    own = access.user is not None and access.user.id == previous.author_id
    user = access.require(auth.GUEST if own else auth.REPORTER)
    parameters = await read_parameters(request)
    parameters.string("title")
    parameters.string("state_event", values=tuple(issuables.EVENTS))
    declare(parameters)
    parameters.at_least_one_of(UPDATED)
    given = parameters.declared()
    now = timestamp(datetime.now(UTC))
    event = given.pop("state_event", None)
    labels = issuables.with_labels(previous.labels, given)
    if access.level < auth.REPORTER:
        labels = previous.labels
        given.pop("confidential", None)
    if "title" in given:
        given["title"] = given["title"] or ""
    draft = issuables.after_event(replace(previous, labels=labels, **given), event, user, now)
    if problems := issuables.problems_of(draft):
        raise invalid(problems)
    return JSONResponse(full_entity(request, access, issuables.saved(access, previous, draft, now)))


def routes() -> list[Route]:
    """Return the routes of this module."""
    many, single = "/projects/{id}/issues", "/projects/{id}/issues/{issue_iid}"
    return [
        Route(many, index, methods=["GET"]),
        Route(many, create, methods=["POST"]),
        Route(single, get, methods=["GET"]),
        Route(single, update, methods=["PUT"]),
    ]
