"""CI/CD variables of projects and groups (lib/api/ci/variables.rb, lib/api/group_variables.rb)."""

from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.gitlab import auth
from sandbox.gitlab import validation as rules
from sandbox.gitlab.paging import paginated
from sandbox.gitlab.parameters import Parameters, read_parameters
from sandbox.gitlab.records import Group, Owner, Project, Variable
from sandbox.gitlab.refusals import invalid, message
from sandbox.gitlab.store import Store

TYPES = ("env_var", "file")
# In GitLab's order; there is no id and no timestamp.
BODY = ("variable_type", "key", "value", "hidden", "protected", "masked", "raw", "environment_scope", "description")


def entity(variable: Variable) -> dict[str, object]:
    """Return a variable as the API shows it; a hidden value is null in every answer, that to its creation too."""
    body = {name: getattr(variable, name) for name in BODY}
    return body | {"value": None} if variable.hidden else body


@dataclass(frozen=True)
class Variables:
    """The five routes for the variables of one kind of owner."""

    owner: type[Owner]
    level: int
    limit: int
    not_found: str

    def guard(self, request: Request) -> tuple[Store, Owner]:
        """Return the store and the owner, once the caller may manage its variables."""
        user = auth.authenticate(request)
        lookup = auth.readable_project if self.owner is Project else auth.readable_group
        owner = lookup(request, user)
        auth.require(request, user, owner, self.level)
        return request.app.state.store, owner

    def of(self, store: Store, owner: Owner, **equal: object) -> list[Variable]:
        """Return the owner's variables that have the values given."""
        return store.find(Variable, owner_kind=owner.kind, owner_id=owner.id, **equal)

    def one(self, request: Request, store: Store, owner: Owner, scope: str | None) -> Variable:
        """Return the variable of the route's key, and of `scope` if not blank (app/finders/ci/variables_finder.rb)."""
        key = unquote(request.path_params["key"])
        found = self.of(store, owner, key=key, **({"environment_scope": scope} if scope else {}))
        if len(found) > 1:
            raise message(
                409, "There are multiple variables with provided parameters. Please use 'filter[environment_scope]'"
            )
        if not found:
            raise message(404, self.not_found)
        return found[0]

    def check(self, store: Store, owner: Owner, draft: Variable, previous: Variable | None) -> None:
        """Refuse a variable that is not valid, with every complaint."""
        same = self.of(store, owner, key=draft.key, environment_scope=draft.environment_scope)
        problems = rules.variable_problems(draft, previous, taken=any(row.id != draft.id for row in same))
        kept = store.count(Variable, owner_kind=owner.kind, owner_id=owner.id)
        if previous is None and kept >= self.limit:
            complaint = f"Maximum number of {owner.kind} ci variables ({self.limit}) exceeded"
            problems.setdefault("base", []).append(complaint)
        if problems:
            raise invalid(problems)

    async def index(self, request: Request) -> Response:
        """GET: a page of all, oldest first."""
        store, owner = self.guard(request)
        rows = self.of(store, owner)
        return paginated(request, await read_parameters(request), [entity(row) for row in rows])

    async def create(self, request: Request) -> Response:
        """POST: 201 with the new variable."""
        store, owner = self.guard(request)
        parameters = await read_parameters(request)
        parameters.string("key", required=True)
        parameters.string("value", required=True)
        declare_common(parameters)
        parameters.boolean("masked_and_hidden")
        given = parameters.declared()
        # app/services/ci/change_variable_service.rb: it wins over `masked` of the same request.
        hidden = {"masked": True, "hidden": True} if given.pop("masked_and_hidden", False) else {}
        draft = Variable(owner_kind=owner.kind, owner_id=owner.id, **stripped(given | hidden))
        self.check(store, owner, draft, None)
        return JSONResponse(entity(store.add(draft)), 201)

    async def get(self, request: Request) -> Response:
        """GET of one: 200."""
        store, owner = self.guard(request)
        parameters = await read_parameters(request)
        parameters.filter_scope()
        return JSONResponse(entity(self.one(request, store, owner, parameters.declared().get("filter"))))

    async def update(self, request: Request) -> Response:
        """PUT: 200; what is not given stays, `key` and `hidden` always stay."""
        store, owner = self.guard(request)
        parameters = await read_parameters(request)
        parameters.string("value")
        declare_common(parameters)
        parameters.filter_scope()
        given = parameters.declared()
        previous = self.one(request, store, owner, given.pop("filter", None))
        draft = replace(previous, **stripped(given))
        self.check(store, owner, draft, previous)
        store.save(draft)
        return JSONResponse(entity(draft))

    async def delete(self, request: Request) -> Response:
        """DELETE: 204 without a body."""
        store, owner = self.guard(request)
        parameters = await read_parameters(request)
        parameters.filter_scope()
        store.remove(self.one(request, store, owner, parameters.declared().get("filter")))
        return Response(status_code=204)

    def routes(self, prefix: str) -> list[Route]:
        """Return the routes below `prefix`, as /projects or /groups."""
        many, one = f"{prefix}/{{id}}/variables", f"{prefix}/{{id}}/variables/{{key}}"
        return [
            Route(many, self.index, methods=["GET"]),
            Route(many, self.create, methods=["POST"]),
            Route(one, self.get, methods=["GET"]),
            Route(one, self.update, methods=["PUT"]),
            Route(one, self.delete, methods=["DELETE"]),
        ]


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


PROJECT_VARIABLES = Variables(Project, auth.MAINTAINER, 8000, "404 Variable Not Found")
GROUP_VARIABLES = Variables(Group, auth.OWNER, 30000, "404 GroupVariable Not Found")
