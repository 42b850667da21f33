"""Merge requests of a project (lib/api/merge_requests.rb, app/models/merge_request.rb).

The double has no repository: both branches are in the same project, any name that Git takes is a branch, and `sha` is
null. No route merges; a test that wants a merged one writes it into the store.
"""

import re
from dataclasses import replace
from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.gitlab import auth, issuables
from sandbox.gitlab.issuables import Access
from sandbox.gitlab.paging import paginated
from sandbox.gitlab.parameters import Parameters, read_parameters, timestamp
from sandbox.gitlab.records import MergeRequest, Project
from sandbox.gitlab.refusals import invalid, message
from sandbox.gitlab.validation import BLANK

STATES = ("opened", "closed", "locked", "merged")
ORDERS = (*issuables.ORDERS, "merged_at")
# API::MergeRequests.update_params_at_least_one_of, in its order; those beside the ones declared change nothing here.
UPDATED = (
    "assignee_id",
    "assignee_ids",
    "reviewer_ids",
    "description",
    "labels",
    "add_labels",
    "remove_labels",
    "milestone_id",
    "remove_source_branch",
    "allow_collaboration",
    "allow_maintainer_to_push",
    "squash",
    "target_branch",
    "title",
    "state_event",
    "discussion_locked",
    "merge_after",
)
DRAFT = re.compile(r"(\[draft\]|\(draft\)|draft:)", re.IGNORECASE)
# lib/gitlab/git_ref_validator.rb, validate_merge_request_branch
NO_BRANCH = re.compile(
    r"-|HEAD$|refs/(heads|remotes)/|.*(\.\.|@\{|//|[\x00-\x20\x7f~^:?*\[\\]|\.lock(/|$)|[/.]$)|[/.]|@?$"
)


def entity(request: Request, project: Project, row: MergeRequest) -> dict[str, object]:
    """Return a merge request as a list shows it."""
    common = issuables.common(request, project, row, "!", "merge_requests")
    opened, draft = row.state == "opened", bool(DRAFT.match(row.title))
    return common | {
        "merged_by": None,
        "merge_user": None,
        "merged_at": row.merged_at,
        "target_branch": row.target_branch,
        "source_branch": row.source_branch,
        "reviewers": [],
        "source_project_id": row.project_id,
        "target_project_id": row.project_id,
        "draft": draft,
        "work_in_progress": draft,
        "merge_when_pipeline_succeeds": False,
        "merge_status": "can_be_merged",
        "detailed_merge_status": ("draft_status" if draft else "mergeable") if opened else "not_open",
        "merge_after": None,
        "sha": None,
        "merge_commit_sha": None,
        "squash_commit_sha": None,
        "should_remove_source_branch": None,
        "force_remove_source_branch": None,
        "prepared_at": row.created_at,
        "reference": f"!{row.iid}",
        "squash": False,
        "squash_on_merge": False,
        "has_conflicts": False,
        "blocking_discussions_resolved": True,
    }


def full_entity(request: Request, access: Access, row: MergeRequest) -> dict[str, object]:
    """Return a merge request as it is shown alone."""
    return entity(request, access.project, row) | {
        "subscribed": access.user is not None and access.user.id == row.author_id,
        "changes_count": None,
        "latest_build_started_at": None,
        "latest_build_finished_at": None,
        "first_deployed_to_production_at": None,
        "pipeline": None,
        "head_pipeline": None,
        "diff_refs": None,
        "merge_error": None,
        "user": {"can_merge": access.level >= auth.DEVELOPER},
    }


def check(access: Access, draft: MergeRequest) -> None:
    """Refuse a merge request that is not valid (`validate_branches`, handle_merge_request_errors!)."""
    problems = issuables.problems_of(draft)
    for field in ("source_branch", "target_branch"):
        name = getattr(draft, field)
        if not name.strip():
            problems.setdefault(field, []).append(BLANK)
        if NO_BRANCH.match(name):
            problems.setdefault(field, []).append("is invalid")
    if draft.source_branch == draft.target_branch:
        raise message(422, ["You can't use same project/branch for source and target"])
    if draft.state == "opened":
        same = {"source_branch": draft.source_branch, "target_branch": draft.target_branch, "state": "opened"}
        for other in access.store.find(MergeRequest, project_id=draft.project_id, **same):
            if other.id != draft.id:
                complaint = f"Another open merge request already exists for this source branch: !{other.iid}"
                raise message(409, [complaint])
    if problems:
        raise invalid(problems)


def declare(parameters: Parameters) -> None:
    """Declare what create and update share."""
    parameters.string("description")
    issuables.declare_labels(parameters)


async def index(request: Request) -> Response:
    """GET: a page of those that the parameters leave, newest first; a job may read it."""
    access = issuables.enter(request, auth.REPORTER, jobs=True)
    parameters = await read_parameters(request)
    issuables.declare_list(parameters, STATES, ORDERS)
    parameters.string("source_branch")
    parameters.string("target_branch")
    given = parameters.declared()
    equal = {name: given[name] for name in ("source_branch", "target_branch") if given.get(name)}
    rows = issuables.listed(access.store.find(MergeRequest, project_id=access.project.id, **equal), given)
    return paginated(request, parameters, [entity(request, access.project, row) for row in rows])


async def create(request: Request) -> Response:
    """POST: 201 with the new merge request."""
    access = issuables.enter(request, auth.REPORTER)
    author = access.require(auth.DEVELOPER)
    parameters = await read_parameters(request)
    for name in ("title", "source_branch", "target_branch"):
        parameters.string(name, required=True)
    declare(parameters)
    given = parameters.declared()
    now = timestamp(datetime.now(UTC))
    draft = MergeRequest(
        project_id=access.project.id,
        iid=issuables.next_iid(access, MergeRequest),
        author_id=author.id,
        labels=issuables.with_labels((), given),
        title=given["title"] or "",
        description=given.get("description"),
        source_branch=given["source_branch"] or "",
        target_branch=given["target_branch"] or "",
        created_at=now,
        updated_at=now,
    )
    check(access, draft)
    return JSONResponse(full_entity(request, access, access.store.add(draft)), 201)


async def get(request: Request) -> Response:
    """GET of one: 200; a job may read it."""
    access = issuables.enter(request, auth.REPORTER, jobs=True)
    row = issuables.one(request, access, MergeRequest, "merge_request_iid")
    return JSONResponse(full_entity(request, access, row))


async def update(request: Request) -> Response:
    """PUT by a Developer or the author: 200; what is not given stays."""
    access = issuables.enter(request, auth.REPORTER)
    previous = issuables.one(request, access, MergeRequest, "merge_request_iid")
    own = access.user is not None and access.user.id == previous.author_id
    user = access.require(auth.REPORTER if own else auth.DEVELOPER)
    parameters = await read_parameters(request)
    parameters.string("title")
    parameters.string("target_branch")
    parameters.string("state_event", values=tuple(issuables.EVENTS))
    declare(parameters)
    parameters.filled("title", "target_branch")
    parameters.at_least_one_of(UPDATED)
    given = parameters.declared()
    now = timestamp(datetime.now(UTC))
    event = given.pop("state_event", None)
    labels = issuables.with_labels(previous.labels, given)
    draft = issuables.after_event(replace(previous, labels=labels, **given), event, user, now)
    check(access, draft)
    return JSONResponse(full_entity(request, access, issuables.saved(access, previous, draft, now)))


def routes() -> list[Route]:
    """Return the routes of this module."""
    many = "/projects/{id}/merge_requests"
    single = f"{many}/{{merge_request_iid}}"
    return [
        Route(many, index, methods=["GET"]),
        Route(many, create, methods=["POST"]),
        Route(single, get, methods=["GET"]),
        Route(single, update, methods=["PUT"]),
    ]
