"""The double as an ASGI application: routes, refusals, faults, and one log line a request without any value in it."""

import traceback
from contextlib import suppress
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sandbox.gitlab import (
    deploy_tokens,
    issues,
    job_token_scope,
    merge_requests,
    projects,
    repository_rules,
    resource_groups,
    variables,
)
from sandbox.gitlab.faults import DOOR, Faults, reply
from sandbox.gitlab.git_http import GitHttp
from sandbox.gitlab.notes import ISSUE_NOTES, MERGE_REQUEST_NOTES
from sandbox.gitlab.refusals import Refusal
from sandbox.gitlab.registry_auth import RegistryAuth
from sandbox.gitlab.store import Store
from sandbox.gitlab.token_parameters import TokenParameters

# The key in an ASGI scope's extensions under which the server puts a callable that closes the connection.
DROP = "sandbox.drop"
FRAMEWORK_ERRORS = {404: "404 Not Found", 405: "405 Not Allowed"}


async def refuse(request: Request, problem: Exception) -> Response:  # noqa: ARG001 - a handler's signature
    """Answer a refusal of ours."""
    assert isinstance(problem, Refusal)  # noqa: S101 - registered for this class alone
    return problem.response


async def refuse_route(request: Request, problem: Exception) -> Response:  # noqa: ARG001 - a handler's signature
    """Answer an unknown route or a wrong verb in Grape's words."""
    assert isinstance(problem, HTTPException)  # noqa: S101 - registered for this class alone
    body = {"error": FRAMEWORK_ERRORS.get(problem.status_code, problem.detail)}
    return JSONResponse(body, problem.status_code, problem.headers)


async def crash(request: Request, problem: Exception) -> Response:
    """Answer what we did not foresee, and log where it happened: its text might hold a value."""
    where = traceback.extract_tb(problem.__traceback__)[-1]
    line = f"{type(problem).__name__} at {Path(where.filename).name}:{where.lineno}"
    print(f"{request.method} {request.url.path} {line}", flush=True)
    return JSONResponse({"message": "500 Internal Server Error"}, 500)


class Front:
    """What stands before the routes: raw paths, faults and the log."""

    def __init__(self, app: ASGIApp, faults: Faults) -> None:
        self.app = app
        self.faults = faults

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        # An id may hold an encoded slash, so routes match the path as it came over the wire.
        path = scope["raw_path"].decode("latin-1")
        # Rails serves a path with a slash at its end as the one without.
        path = path.rstrip("/") or "/"
        scope = {**scope, "path": path}
        fault = None if path == DOOR else self.faults.take(scope["method"], path)
        outcome: object = "dropped"
        logged = False

        def log() -> None:
            nonlocal logged
            if not logged:
                print(f"{scope['method']} {path} {outcome}", flush=True)
            logged = True

        async def answer(event: Message) -> None:
            nonlocal outcome
            if fault == "drop-after":
                return
            if event["type"] == "http.response.start":
                outcome = event["status"]
            elif not event.get("more_body"):
                # Who has the whole answer finds its line in the log.
                log()
            await send(event)

        app = self.app if fault in (None, "drop-before", "drop-after") else reply(fault)
        if fault != "drop-before":
            # Starlette raises again what `crash` has logged and answered.
            with suppress(Exception):
                await app(scope, receive, answer)
        log()
        if fault in ("drop-before", "drop-after"):
            scope["extensions"][DROP]()
            while (await receive())["type"] != "http.disconnect":
                pass


def create_app(data_dir: Path, release: str = projects.RELEASE) -> ASGIApp:
    """Return the double over the data in `data_dir`; `release` is the GitLab that it is, such as 17.0."""
    faults = Faults()
    api = [
        *projects.routes(),
        *variables.routes(),
        *deploy_tokens.routes(),
        *resource_groups.routes(),
        *job_token_scope.routes(),
        *repository_rules.routes(),
        *merge_requests.routes(),
        *MERGE_REQUEST_NOTES.routes(),
        *issues.routes(),
        *ISSUE_NOTES.routes(),
    ]
    app = Starlette(
        routes=[
            Mount("/api/v4", routes=api, middleware=[Middleware(TokenParameters)]),
            *RegistryAuth(data_dir).routes(),
            *GitHttp(data_dir).routes(),
            *faults.routes(),
        ],
        exception_handlers={
            Refusal: refuse,
            HTTPException: refuse_route,
            Exception: crash,
        },
    )
    app.router.redirect_slashes = False
    app.state.store = Store(data_dir)
    app.state.release = release
    return Front(app, faults)
