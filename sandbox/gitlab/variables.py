"""CI/CD variables of projects (lib/api/ci/variables.rb)."""

from dataclasses import replace
from typing import Any
from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.gitlab import auth
from sandbox.gitlab import validation as rules
from sandbox.gitlab.paging import paginated
from sandbox.gitlab.parameters import Parameters, read_parameters
from sandbox.gitlab.records import Project, Variable
from sandbox.gitlab.refusals import invalid, message
from sandbox.gitlab.store import Store

LIMIT = 8000
NOT_FOUND = "404 Variable Not Found"
TYPES = ("env_var", "file")
# In GitLab's order; there is no id and no timestamp.
BODY = ("variable_type", "key", "value", "hidden", "protected", "masked", "raw", "environment_scope", "description")


def entity(variable: Variable) -> dict[str, object]:
    """Return a variable as the API shows it; a hidden value is null in every answer, that to its creation too."""
    body = {name: getattr(variable, name) for name in BODY}
    return body | {"value": None} if variable.hidden else body


def guard(request: Request) -> tuple[Store, Project]:
    """Return the store and the project, once the caller may manage its variables."""
    user = auth.authenticate(request)
    project = auth.readable_project(request, user)
    auth.require(request, user, project, auth.MAINTAINER)
    return request.app.state.store, project


def of(store: Store, project: Project, **equal: object) -> list[Variable]:
    """Return the project's variables that have the values given."""
    return store.find(Variable, project_id=project.id, **equal)


def one(request: Request, store: Store, project: Project, scope: str | None) -> Variable:
    """Return the variable of the route's key, and of `scope` if not blank (app/finders/ci/variables_finder.rb)."""
    key = unquote(request.path_params["key"])
    found = of(store, project, key=key, **({"environment_scope": scope} if scope else {}))
    if len(found) > 1:
        raise message(
            409, "There are multiple variables with provided parameters. Please use 'filter[environment_scope]'"
        )
    if not found:
        raise message(404, NOT_FOUND)
    return found[0]


def check(store: Store, project: Project, draft: Variable, previous: Variable | None) -> None:
    """Refuse a variable that is not valid, with every complaint."""
    same = of(store, project, key=draft.key, environment_scope=draft.environment_scope)
    problems = rules.variable_problems(draft, previous, taken=any(row.id != draft.id for row in same))
    kept = store.count(Variable, project_id=project.id)
    if previous is None and kept >= LIMIT:
        complaint = f"Maximum number of project ci variables ({LIMIT}) exceeded"
        problems.setdefault("base", []).append(complaint)
    if problems:
        raise invalid(problems)


async def index(request: Request) -> Response:
    """GET: a page of all, oldest first."""
    store, project = guard(request)
    rows = of(store, project)
    return paginated(request, await read_parameters(request), [entity(row) for row in rows])


async def create(request: Request) -> Response:
    """POST: 201 with the new variable."""
    store, project = guard(request)
    parameters = await read_parameters(request)
    parameters.string("key", required=True)
    parameters.string("value", required=True)
    declare_common(parameters)
    parameters.boolean("masked_and_hidden")
    given = parameters.declared()
    # app/services/ci/change_variable_service.rb: it wins over `masked` of the same request.
    hidden = {"masked": True, "hidden": True} if given.pop("masked_and_hidden", False) else {}
    draft = Variable(project_id=project.id, **stripped(given | hidden))
    check(store, project, draft, None)
    return JSONResponse(entity(store.add(draft)), 201)


async def get(request: Request) -> Response:
    """GET of one: 200."""
    store, project = guard(request)
    parameters = await read_parameters(request)
    parameters.filter_scope()
    return JSONResponse(entity(one(request, store, project, parameters.declared().get("filter"))))


async def update(request: Request) -> Response:
    """PUT: 200; what is not given stays, `key` and `hidden` always stay."""
    store, project = guard(request)
    parameters = await read_parameters(request)
    parameters.string("value")
    declare_common(parameters)
    parameters.filter_scope()
    given = parameters.declared()
    previous = one(request, store, project, given.pop("filter", None))
    draft = replace(previous, **stripped(given))
    check(store, project, draft, previous)
    store.save(draft)
    return JSONResponse(entity(draft))


async def delete(request: Request) -> Response:
    """DELETE: 204 without a body."""
    store, project = guard(request)
    parameters = await read_parameters(request)
    parameters.filter_scope()
    store.remove(one(request, store, project, parameters.declared().get("filter")))
    return Response(status_code=204)


def declare_common(parameters: Parameters) -> None:
    """Declare what create and update share."""
    parameters.string("variable_type", values=TYPES)
    for name in ("protected", "masked", "raw"):
        parameters.boolean(name)
    parameters.string("environment_scope")
    parameters.string("description")


def stripped(given: dict[str, Any]) -> dict[str, Any]:
    """Return the fields with key and scope stripped; a value is kept byte for byte."""
    return given | {name: rules.strip(given[name]) for name in ("key", "environment_scope") if name in given}


def routes() -> list[Route]:
    """Return the five routes."""
    many, single = "/projects/{id}/variables", "/projects/{id}/variables/{key}"
    return [
        Route(many, index, methods=["GET"]),
        Route(many, create, methods=["POST"]),
        Route(single, get, methods=["GET"]),
        Route(single, update, methods=["PUT"]),
        Route(single, delete, methods=["DELETE"]),
    ]
