"""Deploy tokens of projects and groups (lib/api/deploy_tokens.rb, app/models/deploy_token.rb)."""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.gitlab import auth
from sandbox.gitlab import validation as rules
from sandbox.gitlab.paging import paginated
from sandbox.gitlab.parameters import path_integer, read_parameters, timestamp
from sandbox.gitlab.records import DeployToken, Group, Owner, Project
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


@dataclass(frozen=True)
class DeployTokens:
    """The four routes for the deploy tokens of one kind of owner; there is no update."""

    owner: type[Owner]
    change_level: int

    def guard(self, request: Request) -> tuple[Store, Owner]:
        """Return the store and the owner, once the caller may see its deploy tokens (GET) or change them."""
        user = auth.authenticate(request)
        lookup = auth.readable_project if self.owner is Project else auth.readable_group
        owner = lookup(request, user)
        level = auth.MAINTAINER if request.method in auth.READ_VERBS else self.change_level
        auth.require(request, user, owner, level)
        return request.app.state.store, owner

    def one(self, request: Request, store: Store, owner: Owner) -> DeployToken:
        """Return the token of the route's id."""
        number = path_integer(request, "token_id")
        for token in store.find(DeployToken, owner_kind=owner.kind, owner_id=owner.id, id=number):
            return token
        raise not_found()

    async def index(self, request: Request) -> Response:
        """GET: a page of all, or of those not expired with `active=true`."""
        store, owner = self.guard(request)
        parameters = await read_parameters(request)
        parameters.boolean("active")
        active = parameters.declared().get("active")
        rows = store.find(DeployToken, owner_kind=owner.kind, owner_id=owner.id)
        return paginated(request, parameters, [entity(row) for row in rows if not (active and expired(row))])

    async def create(self, request: Request) -> Response:
        """POST: 201 with the new token, the only answer that holds its secret."""
        store, owner = self.guard(request)
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
                owner_kind=owner.kind,
                owner_id=owner.id,
                name=given["name"] or "",
                username=given.get("username"),
                sha256=auth.token_digest(secret),
                scopes=tuple(scope for scope in rules.DEPLOY_TOKEN_SCOPES if scope in given["scopes"]),
                expires_at=timestamp(expires_at) if expires_at else None,
            )
        )
        return JSONResponse(entity(token) | {"token": secret}, 201)

    async def get(self, request: Request) -> Response:
        """GET of one: 200."""
        store, owner = self.guard(request)
        return JSONResponse(entity(self.one(request, store, owner)))

    async def delete(self, request: Request) -> Response:
        """DELETE: 204 without a body."""
        store, owner = self.guard(request)
        store.remove(self.one(request, store, owner))
        return Response(status_code=204)

    def routes(self, prefix: str) -> list[Route]:
        """Return the routes below `prefix`, as /projects or /groups."""
        many, one = f"{prefix}/{{id}}/deploy_tokens", f"{prefix}/{{id}}/deploy_tokens/{{token_id}}"
        return [
            Route(many, self.index, methods=["GET"]),
            Route(many, self.create, methods=["POST"]),
            Route(one, self.get, methods=["GET"]),
            Route(one, self.delete, methods=["DELETE"]),
        ]


PROJECT_DEPLOY_TOKENS = DeployTokens(Project, auth.MAINTAINER)
GROUP_DEPLOY_TOKENS = DeployTokens(Group, auth.OWNER)
