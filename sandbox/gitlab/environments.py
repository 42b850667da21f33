"""Environments of a project (lib/api/environments.rb, app/models/environment.rb). The double has no cluster agents.

A job's token is taken on every route.
"""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.gitlab import auth
from sandbox.gitlab import validation as rules
from sandbox.gitlab.paging import paginated
from sandbox.gitlab.parameters import Parameters, path_integer, read_parameters, timestamp
from sandbox.gitlab.records import Environment, Project
from sandbox.gitlab.refusals import error, invalid, message, not_found
from sandbox.gitlab.store import Store

STATES = ("available", "stopping", "stopped")
AUTO_STOP_SETTINGS = ("always", "with_action")


def entity(environment: Environment) -> dict[str, object]:
    """Return an environment as the API shows it; both timestamps are always there."""
    return {
        "id": environment.id,
        "name": environment.name,
        "slug": environment.slug,
        "description": environment.description,
        "external_url": environment.external_url,
        "state": environment.state,
        "tier": environment.tier,
        "created_at": environment.created_at,
        "updated_at": environment.updated_at,
        "auto_stop_at": None,
        "auto_stop_setting": environment.auto_stop_setting,
        "cluster_agent": None,
        "kubernetes_namespace": None,
        "flux_resource_path": None,
    }


def guard(request: Request) -> tuple[Store, Project]:
    """Return the store and the project, once the caller may see its environments (GET) or change them."""
    user = auth.authenticate(request, jobs=True)
    project = auth.readable_project(request, user)
    level = auth.REPORTER if request.method in auth.READ_VERBS else auth.DEVELOPER
    auth.require(request, user, project, level)
    return request.app.state.store, project


def one(request: Request, store: Store, project: Project) -> Environment:
    """Return the environment of the route's id."""
    number = path_integer(request, "environment_id")
    for environment in store.find(Environment, project_id=project.id, id=number):
        return environment
    raise not_found()


def declare(parameters: Parameters) -> None:
    """Declare what create and update share, but the fields of a cluster agent."""
    if "slug" in parameters.given:
        parameters.problems.append("slug is automatically generated and cannot be changed")
    parameters.string("external_url")
    parameters.string("tier", values=rules.TIERS)
    parameters.string("description")
    parameters.string("auto_stop_setting", values=AUTO_STOP_SETTINGS)


def check_agent(parameters: Parameters) -> rules.Problems:
    """Return the complaints about the fields that need a cluster agent; Refusal 400 where one is named."""
    agent = Parameters(parameters.given)
    agent.integer("cluster_agent_id")
    agent.string("kubernetes_namespace")
    agent.string("flux_resource_path")
    given = agent.declared()
    if given.get("cluster_agent_id") is not None:
        reason = "cluster agent doesn't exist or cannot be associated with this environment"
        raise message(400, f"400 Bad request - {reason}")
    problems: rules.Problems = {}
    if given.get("kubernetes_namespace"):
        problems["kubernetes_namespace"] = ["cannot be set without a cluster agent"]
    elif given.get("flux_resource_path"):
        problems["flux_resource_path"] = ["cannot be set without a kubernetes namespace"]
    return problems


def nullified(given: dict[str, Any]) -> dict[str, Any]:
    """Return the fields with null for a blank text (NullifyIfBlank)."""
    return {field: text or None for field, text in given.items()}


async def index(request: Request) -> Response:
    """GET: a page of all, or of those with a `name`, a `search` in it, or one of the `states`."""
    store, project = guard(request)
    parameters = await read_parameters(request)
    parameters.string("name")
    parameters.string("search")
    parameters.string("states", values=STATES)
    given = parameters.declared()
    if "name" in given and "search" in given:
        raise error(400, "name, search cannot be used together")
    search = given.get("search") or ""
    if 0 < len(search) < 3:
        raise message(400, "400 Bad request - Search query is less than 3 characters")
    rows = [
        entity(row)
        for row in store.find(Environment, project_id=project.id)
        if row.name == (given.get("name") or row.name)
        and search.lower() in row.name.lower()
        and row.state == given.get("states", row.state)
    ]
    return paginated(request, parameters, rows)


async def create(request: Request) -> Response:
    """POST: 201 with the new environment."""
    store, project = guard(request)
    parameters = await read_parameters(request)
    parameters.string("name", required=True)
    declare(parameters)
    given = parameters.declared()
    name, now = given.pop("name") or "", timestamp(datetime.now(UTC))
    draft = Environment(
        project_id=project.id,
        name=name,
        slug=rules.environment_slug(name),
        tier=given.pop("tier", rules.environment_tier(name)),
        created_at=now,
        updated_at=now,
        **nullified(given),
    )
    taken = bool(store.find(Environment, project_id=project.id, name=name))
    problems = rules.environment_problems(draft, name_taken=taken) | check_agent(parameters)
    if problems:
        raise invalid(problems)
    return JSONResponse(entity(store.add(draft)), 201)


async def get(request: Request) -> Response:
    """GET of one: 200."""
    store, project = guard(request)
    return JSONResponse(entity(one(request, store, project)))


async def update(request: Request) -> Response:
    """PUT: 200; what is not given stays, the name always stays."""
    store, project = guard(request)
    parameters = await read_parameters(request)
    declare(parameters)
    given = parameters.declared()
    previous = one(request, store, project)
    draft = replace(previous, **nullified(given))
    problems = rules.environment_problems(draft, name_taken=False) | check_agent(parameters)
    if problems:
        raise invalid(problems)
    if draft != previous:
        draft = replace(draft, updated_at=timestamp(datetime.now(UTC)))
        store.save(draft)
    return JSONResponse(entity(draft))


async def stop(request: Request) -> Response:
    """POST .../stop: 200. No job to stop it with exists here, so `with_action` keeps it available unless forced."""
    store, project = guard(request)
    parameters = await read_parameters(request)
    parameters.boolean("force")
    force = parameters.declared().get("force")
    environment = one(request, store, project)
    if environment.state == "available" and (force or environment.auto_stop_setting == "always"):
        environment = replace(environment, state="stopped", updated_at=timestamp(datetime.now(UTC)))
        store.save(environment)
    return JSONResponse(entity(environment))


async def delete(request: Request) -> Response:
    """DELETE: 204 without a body, 403 while it is not stopped."""
    store, project = guard(request)
    environment = one(request, store, project)
    if environment.state != "stopped":
        raise message(403, "403 Forbidden")
    store.remove(environment)
    return Response(status_code=204)


def routes() -> list[Route]:
    """Return the routes of this module."""
    many, single = "/projects/{id}/environments", "/projects/{id}/environments/{environment_id}"
    return [
        Route(many, index, methods=["GET"]),
        Route(many, create, methods=["POST"]),
        Route(single, get, methods=["GET"]),
        Route(single, update, methods=["PUT"]),
        Route(single, delete, methods=["DELETE"]),
        Route(f"{single}/stop", stop, methods=["POST"]),
    ]
