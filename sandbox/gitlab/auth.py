"""Who calls and what they may do.

Every route asks in GitLab's order: 401 (no usable token), 403 (scope of the token), 404 (group or project unknown, or
private to others), 403 (role too low); parameters and records come after.
"""

import re
from collections.abc import Sequence
from hashlib import sha256
from typing import TypeVar
from urllib.parse import unquote

from starlette.requests import Request

from sandbox.gitlab.records import AccessToken, Group, JobToken, Member, Owner, Project, User
from sandbox.gitlab.refusals import error, message
from sandbox.gitlab.store import Store

OwnerT = TypeVar("OwnerT", bound=Owner)

GUEST = 10
REPORTER = 20
DEVELOPER = 30
MAINTAINER = 40
OWNER = 50

INTEGER = re.compile("-?[0-9]{1,18}")
# lib/api/api_guard.rb: `api` does everything, the read scopes GET and HEAD only.
READ_VERBS = ("GET", "HEAD")
DEAD_TOKENS = {
    "expired": "Token is expired. You can either do re-authorization or token refresh.",
    "revoked": "Token was revoked. You have to re-authorize from the user.",
}


def token_digest(token: str) -> str:
    """Return what is kept of a token."""
    return sha256(token.encode()).hexdigest()


def presented_token(request: Request) -> str | None:
    """Return the token of the request. JOB-TOKEN and job_token are not looked at: see `job`."""
    return request.headers.get("private-token") or request.query_params.get("private_token") or bearer_token(request)


def bearer_token(request: Request) -> str | None:
    """Return the token given in OAuth's way."""
    scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
    return (bearer.strip() if scheme.lower() == "bearer" else None) or request.query_params.get("access_token")


def authenticate(request: Request, *, also: tuple[str, ...] = (), jobs: bool = False) -> User:
    """Return the caller.

    `also` names read scopes beside `read_api` that this endpoint accepts, `jobs` tells whether it takes a job's token.
    Raises Refusal 401 without a token that works, 403 where its scopes do not reach.
    """
    user = caller(request, also=also, jobs=jobs)
    if user is None:
        raise message(401, "401 Unauthorized")
    return user


def job(request: Request) -> User | None:
    """Return the user of the job whose token is presented, None where none is (`find_user_from_job_token`).

    The job's project is kept in the request's state, for `readable_project`. Raises Refusal 401 for the token of no
    running job.
    """
    store: Store = request.app.state.store
    bearer = bearer_token(request)
    if bearer is not None:
        tokens = store.find(JobToken, sha256=token_digest(bearer))
    else:
        presented = request.headers.get("job-token") or request.query_params.get("job_token")
        if not presented:
            return None
        tokens = store.find(JobToken, sha256=token_digest(presented))
        if not tokens:
            raise message(401, "401 Unauthorized")
    for token in tokens:
        request.state.job_project_id = token.project_id
        return store.find(User, id=token.user_id)[0]
    return None


def caller(request: Request, *, also: tuple[str, ...] = (), jobs: bool = False) -> User | None:
    """Return the caller, None where there is no token; one that does not work is refused, never taken as none.

    On a route that does not take a job's token, it is ignored where it has a header of its own.
    """
    store: Store = request.app.state.store
    if jobs and (user := job(request)):
        return user
    presented = presented_token(request)
    if presented is None:
        return None
    tokens = store.find(AccessToken, sha256=token_digest(presented))
    if not tokens:
        raise message(401, "401 Unauthorized")
    token = tokens[0]
    if token.state in DEAD_TOKENS:
        raise error(401, "invalid_token", error_description=DEAD_TOKENS[token.state])
    sufficient = {"api", "read_api", *also} if request.method in READ_VERBS else {"api"}
    if not sufficient & set(token.scopes):
        raise error(
            403,
            "insufficient_scope",
            error_description="The request requires higher privileges than provided by the access token.",
            scope=" ".join((*also, "api", "read_api")),
        )
    return store.find(User, id=token.user_id)[0]


def access_level(store: Store, user: User | None, path: str) -> int:
    """Return the caller's level on the group or project at `path`: the highest held there or above; 0 is no member."""
    if user is None:
        return 0
    below = f"{path.lower()}/"
    levels = [m.access_level for m in store.find(Member, user_id=user.id) if below.startswith(f"{m.path.lower()}/")]
    return max(levels, default=0)


def readable_project(request: Request, user: User | None) -> Project:
    """Return the project of the route's `id`; Refusal 404 where there is none that the caller may see."""
    wanted = unquote(request.path_params["id"])
    store: Store = request.app.state.store
    # lib/api/helpers.rb, find_project: an integer is an id, all else a full path.
    found = store.find(Project, id=int(wanted)) if INTEGER.fullmatch(wanted) else store.find(Project, path=wanted)
    project = visible(store, user, found, "404 Project Not Found")
    source = getattr(request.state, "job_project_id", project.id)
    # The allowlist of a project for the jobs of others holds, at first, itself alone.
    if source != project.id and project.visibility != "public":
        names = [owner.path.rpartition("/")[2] for owner in (store.find(Project, id=source)[0], project)]
        reason = f"Authentication by CI/CD job token not allowed from {names[0]} to {names[1]}."
        raise message(403, f"403 Forbidden - {reason}")
    return project


def readable_group(request: Request, user: User | None) -> Group:
    """Return the group of the route's `id`; Refusal 404 where there is none that the caller may see."""
    wanted = unquote(request.path_params["id"])
    store: Store = request.app.state.store
    found = store.find(Group, id=int(wanted)) if INTEGER.fullmatch(wanted) else store.find(Group, path=wanted)
    return visible(store, user, found, "404 Group Not Found")


def visible(store: Store, user: User | None, found: Sequence[OwnerT], refusal: str) -> OwnerT:
    """Return the one owner found, if the caller may see it."""
    for owner in found:
        if owner.visibility == "public" or access_level(store, user, owner.path) > 0:
            return owner
    raise message(404, refusal)


def require(request: Request, user: User, owner: Owner, level: int) -> None:
    """Refuse with 403 a caller whose level on the owner is lower."""
    if access_level(request.app.state.store, user, owner.path) < level:
        raise message(403, "403 Forbidden")
