"""Resource groups of a project, which its jobs have made (lib/api/ci/resource_groups.rb)."""

from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.gitlab import auth
from sandbox.gitlab.paging import paginated
from sandbox.gitlab.parameters import read_parameters, timestamp
from sandbox.gitlab.records import Project, ResourceGroup
from sandbox.gitlab.refusals import not_found
from sandbox.gitlab.store import Store

MODES = ("unordered", "oldest_first", "newest_first", "newest_ready_first")


def entity(group: ResourceGroup) -> dict[str, object]:
    """Return a resource group as the API shows it."""
    return {name: getattr(group, name) for name in ("id", "key", "process_mode", "created_at", "updated_at")}


def guard(request: Request) -> tuple[Store, Project]:
    """Return the store and the project, once the caller may see its resource groups (GET) or change them."""
    user = auth.authenticate(request)
    project = auth.readable_project(request, user)
    auth.require(request, user, project, auth.DEVELOPER)
    return request.app.state.store, project


def one(request: Request, store: Store, project: Project) -> ResourceGroup:
    """Return the group of the route's key; one that no job has used yet is not there."""
    for group in store.find(ResourceGroup, project_id=project.id, key=unquote(request.path_params["key"])):
        return group
    raise not_found()


async def index(request: Request) -> Response:
    """GET: a page of all."""
    store, project = guard(request)
    groups = store.find(ResourceGroup, project_id=project.id)
    return paginated(request, await read_parameters(request), [entity(group) for group in groups])


async def get(request: Request) -> Response:
    """GET of one: 200."""
    store, project = guard(request)
    return JSONResponse(entity(one(request, store, project)))


async def update(request: Request) -> Response:
    """PUT: 200 with the new process mode."""
    store, project = guard(request)
    parameters = await read_parameters(request)
    parameters.string("process_mode", values=MODES)
    given = parameters.declared()
    group = one(request, store, project)
    if given.get("process_mode") not in (None, group.process_mode):
        group = replace(group, updated_at=timestamp(datetime.now(UTC)), **given)
        store.save(group)
    return JSONResponse(entity(group))


def routes() -> list[Route]:
    """Return the three routes."""
    many, single = "/projects/{id}/resource_groups", "/projects/{id}/resource_groups/{key}"
    return [
        Route(many, index, methods=["GET"]),
        Route(single, get, methods=["GET"]),
        Route(single, update, methods=["PUT"]),
    ]
