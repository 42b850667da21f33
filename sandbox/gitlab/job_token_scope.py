"""Whose jobs may reach a project with their CI_JOB_TOKEN (lib/api/project_job_token_scope.rb)."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.gitlab import auth, projects
from sandbox.gitlab.paging import paginated
from sandbox.gitlab.parameters import path_integer, read_parameters
from sandbox.gitlab.records import AllowedProject, Project
from sandbox.gitlab.refusals import error, message
from sandbox.gitlab.store import Store


def guard(request: Request) -> tuple[Store, Project]:
    """Return the store and the project, once the caller may see and change its allowlist."""
    user = auth.authenticate(request)
    project = auth.readable_project(request, user)
    auth.require(request, user, project, auth.MAINTAINER)
    return request.app.state.store, project


async def scope(request: Request) -> Response:
    """GET: whether the allowlist is in force, as it always is here."""
    guard(request)
    return JSONResponse({"inbound_enabled": True, "outbound_enabled": False})


async def index(request: Request) -> Response:
    """GET: the projects on the list, the project itself first."""
    store, project = guard(request)
    links = store.find(AllowedProject, project_id=project.id)
    found = [project, *(store.find(Project, id=link.target_project_id)[0] for link in links)]
    return paginated(request, await read_parameters(request), [projects.entity(request, one) for one in found])


async def create(request: Request) -> Response:
    """POST: 201 with the two ids."""
    store, project = guard(request)
    parameters = await read_parameters(request)
    parameters.integer("target_project_id")
    target = parameters.declared().get("target_project_id")
    if target is None:
        raise error(400, "target_project_id is missing")
    user = auth.authenticate(request)
    targets = [one for one in store.find(Project, id=target) if auth.access_level(store, user, one.path)]
    if not targets:
        raise message(404, "404 target_project_id not found Not Found")
    if auth.allows_jobs_of(store, project, target):
        raise message(400, "400 Bad request - This project is already in the job token allowlist.")
    store.add(AllowedProject(project_id=project.id, target_project_id=target))
    return JSONResponse({"source_project_id": project.id, "target_project_id": target}, 201)


async def delete(request: Request) -> Response:
    """DELETE: 204 without a body."""
    store, project = guard(request)
    target = path_integer(request, "target_project_id")
    for link in store.find(AllowedProject, project_id=project.id, target_project_id=target):
        store.remove(link)
        return Response(status_code=204)
    raise message(404, "404 Target project is not in the job token scope Not Found")


def routes() -> list[Route]:
    """Return the four routes."""
    base = "/projects/{id}/job_token_scope"
    return [
        Route(base, scope, methods=["GET"]),
        Route(f"{base}/allowlist", index, methods=["GET"]),
        Route(f"{base}/allowlist", create, methods=["POST"]),
        Route(f"{base}/allowlist/{{target_project_id}}", delete, methods=["DELETE"]),
    ]
