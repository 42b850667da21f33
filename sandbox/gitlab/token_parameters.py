"""Tokens that come as parameters, in the query or in the body of a request to the API."""

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sandbox.gitlab.parameters import read_parameters
from sandbox.gitlab.refusals import Refusal

NAMES = ("private_token", "access_token", "job_token")


class TokenParameters:
    """Puts the tokens among a request's parameters into its state, where the routes ask for them before any other."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; its body is read here and handed on."""
        request = Request(scope, receive)
        body = await request.body()
        try:
            given = (await read_parameters(request)).given
        except Refusal:
            # Who calls is asked first; the route refuses the body.
            given = request.query_params
        tokens = {name: given[name] for name in NAMES if isinstance(given.get(name), str)}
        events: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def again() -> Message:
            return events.pop() if events else await receive()

        await self.app({**scope, "state": {**scope.get("state", {}), "tokens": tokens}}, again, send)
