"""Deploy tokens of projects (lib/api/deploy_tokens.rb, app/models/deploy_token.rb)."""

import secrets
from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.gitlab import auth
from sandbox.gitlab import validation as rules
from sandbox.gitlab.paging import paginated
from sandbox.gitlab.parameters import path_integer, read_parameters, timestamp
from sandbox.gitlab.records import DeployToken, Project
from sandbox.gitlab.refusals import message, not_found
from sandbox.gitlab.store import Store


def expired(token: DeployToken) -> bool:
    """Tell whether the day a token expires on is over."""
    today = datetime.now(UTC).date()
    return token.expires_at is not None and datetime.fromisoformat(token.expires_at).date() < today


def entity(token: DeployToken) -> dict[str, object]:
    """Return a deploy token as the API shows it, without its secret."""
    return {
        "id": token.id,
        "name": token.name,
        "username": token.username or f"gitlab+deploy-token-{token.id}",
        "expires_at": token.expires_at,
        "scopes": token.scopes,
        "revoked": False,
        "expired": expired(token),
    }


def guard(request: Request) -> tuple[Store, Project]:
    """Return the store and the project, once the caller may manage its deploy tokens."""
    # These routes look the project up first, so that nobody in particular gets its 404.
    user = auth.caller(request)
    project = auth.readable_project(request, user)
    auth.require(request, user, project, auth.MAINTAINER)
    return request.app.state.store, project


def one(request: Request, store: Store, project: Project) -> DeployToken:
    """Return the token of the route's id."""
    number = path_integer(request, "token_id")
    for token in store.find(DeployToken, project_id=project.id, id=number):
        return token
    raise not_found()


async def index(request: Request) -> Response:
    """GET: a page of all, or of those not expired with `active=true`."""
    store, project = guard(request)
    parameters = await read_parameters(request)
    parameters.boolean("active")
    active = parameters.declared().get("active")
    rows = store.find(DeployToken, project_id=project.id)
    return paginated(request, parameters, [entity(row) for row in rows if not (active and expired(row))])


async def create(request: Request) -> Response:
    """POST: 201 with the new token, the only answer that holds its secret."""
    store, project = guard(request)
    parameters = await read_parameters(request)
    parameters.string("name", required=True)
    parameters.choices("scopes", rules.DEPLOY_TOKEN_SCOPES)
    parameters.moment("expires_at")
    parameters.string("username")
    given = parameters.declared()
    problem = rules.deploy_token_problem(given["name"] or "", given.get("username"), given["scopes"])
    if problem:
        raise message(400, problem)
    expires_at = given.get("expires_at")
    secret = f"gldt-{secrets.token_urlsafe(15)}"
    token = store.add(
        DeployToken(
            project_id=project.id,
            name=given["name"] or "",
            username=given.get("username"),
            sha256=auth.token_digest(secret),
            scopes=tuple(scope for scope in rules.DEPLOY_TOKEN_SCOPES if scope in given["scopes"]),
            expires_at=timestamp(expires_at) if expires_at else None,
        )
    )
    return JSONResponse(entity(token) | {"token": secret}, 201)


async def get(request: Request) -> Response:
    """GET of one: 200."""
    store, project = guard(request)
    return JSONResponse(entity(one(request, store, project)))


async def delete(request: Request) -> Response:
    """DELETE: 204 without a body."""
    store, project = guard(request)
    store.remove(one(request, store, project))
    return Response(status_code=204)


def routes() -> list[Route]:
    """Return the four routes; there is no update."""
    many, single = "/projects/{id}/deploy_tokens", "/projects/{id}/deploy_tokens/{token_id}"
    return [
        Route(many, index, methods=["GET"]),
        Route(many, create, methods=["POST"]),
        Route(single, get, methods=["GET"]),
        Route(single, delete, methods=["DELETE"]),
    ]
