"""Who calls and what they may do.

Every route asks in GitLab's order: 401 (no usable token), 403 (scope of the token), 404 (project unknown, or private to
others), 403 (role too low); parameters and records come after.
"""

import re
from hashlib import sha256
from urllib.parse import unquote

from starlette.requests import Request

from sandbox.gitlab.records import AccessToken, AllowedProject, JobToken, Member, Project, User
from sandbox.gitlab.refusals import error, message
from sandbox.gitlab.store import Store

GUEST = 10
REPORTER = 20
DEVELOPER = 30
MAINTAINER = 40
OWNER = 50

INTEGER = re.compile("-?[0-9]{1,18}")
# lib/api/api_guard.rb: `api` does everything, the read scopes GET and HEAD only.
READ_VERBS = ("GET", "HEAD")
JOB_TOKENS_READ_MERGE_REQUESTS = (18, 4)
"""The release from which on the documentation lists merge requests for job tokens (doc/ci/jobs/ci_job_token.md)."""
DEAD_TOKENS = {
    "expired": "Token is expired. You can either do re-authorization or token refresh.",
    "revoked": "Token was revoked. You have to re-authorize from the user.",
}


def token_digest(token: str) -> str:
    """Return what is kept of a token."""
    return sha256(token.encode()).hexdigest()


def presented_token(request: Request) -> str | None:
    """Return the token of the request. JOB-TOKEN and job_token are not looked at: see `job`."""
    return parameter(request, "private_token") or request.headers.get("private-token") or bearer_token(request)


def bearer_token(request: Request) -> str | None:
    """Return the token given in OAuth's way."""
    scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
    return (bearer.strip() if scheme.lower() == "bearer" else None) or parameter(request, "access_token")


def parameter(request: Request, name: str) -> str | None:
    """Return a token among the parameters of a request to the API, in the query or in the body."""
    tokens: dict[str, str] = request.state.tokens
    return tokens.get(name) or None


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
        presented = parameter(request, "job_token") or request.headers.get("job-token")
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
    """Return the caller, None if there is no token; one that does not work is refused, never taken as none.

    On a route that does not take a job's token, it is ignored where it has a header of its own.
    """
    if jobs and _release(request) >= JOB_TOKENS_READ_MERGE_REQUESTS and (user := job(request)):
        return user
    token = access_token(request)
    if token is None:
        return None
    sufficient = {"api", "read_api", *also} if request.method in READ_VERBS else {"api"}
    if not sufficient & set(token.scopes):
        raise error(
            403,
            "insufficient_scope",
            error_description="The request requires higher privileges than provided by the access token.",
            scope=" ".join((*also, "api", "read_api")),
        )
    store: Store = request.app.state.store
    return store.find(User, id=token.user_id)[0]


def _release(request: Request) -> tuple[int, ...]:
    return tuple(int(part) for part in request.app.state.release.split("."))


def access_token(request: Request) -> AccessToken | None:
    """Return the token of the request, None if there is none; Refusal 401 for one that does not work."""
    store: Store = request.app.state.store
    presented = presented_token(request)
    if presented is None:
        return None
    tokens = store.find(AccessToken, sha256=token_digest(presented))
    if not tokens:
        raise message(401, "401 Unauthorized")
    if tokens[0].dead:
        raise error(401, "invalid_token", error_description=DEAD_TOKENS[tokens[0].dead])
    return tokens[0]


def access_level(store: Store, user: User | None, path: str) -> int:
    """Return the caller's level at `path`: the highest held there or above; 0 is no member."""
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
    readable = [one for one in found if one.visibility == "public" or access_level(store, user, one.path) > 0]
    if not readable:
        raise message(404, "404 Project Not Found")
    project = readable[0]
    source = getattr(request.state, "job_project_id", project.id)
    if project.visibility != "public" and not allows_jobs_of(store, project, source):
        raise message(403, f"403 Forbidden - {not_allowed(store, project, source)}")
    return project


def allows_jobs_of(store: Store, project: Project, source: int) -> bool:
    """Tell whether the allowlist of a project holds the project that a job is of; at first it holds itself alone."""
    return source == project.id or bool(store.find(AllowedProject, project_id=project.id, target_project_id=source))


def not_allowed(store: Store, project: Project, source: int) -> str:
    """Return what a job reads whose project is not on the allowlist."""
    names = [one.path.rpartition("/")[2] for one in (store.find(Project, id=source)[0], project)]
    return f"Authentication by CI/CD job token not allowed from {names[0]} to {names[1]}."


def require(request: Request, user: User | None, project: Project, level: int) -> None:
    """Refuse with 403 a caller whose level in the project is lower."""
    if access_level(request.app.state.store, user, project.path) < level:
        raise message(403, "403 Forbidden")
