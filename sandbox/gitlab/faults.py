"""Failures on demand, by a door that GitLab does not have.

`PUT /-/sandbox/faults` takes a JSON list and replaces the one there was; `GET` shows what is left. An entry is

    {"method": "POST", "path": "/variables$", "status": 500, "times": 1}

`method` is a verb or "*", `path` a regular expression searched for in the raw path, `times` 1 where not given. A
request uses up one turn of the first entry that matches it. `status` is one of

    429             throttled before the API was reached: plain text, with every RateLimit header
    "429-endpoint"  throttled by the endpoint: JSON
    500, 502        JSON by the API; HTML by the proxy before it
    "drop-before"   the connection closes with no reply and nothing was done
    "drop-after"    the request is carried out, then the connection closes with no reply
"""

import re
import time
from dataclasses import dataclass
from email.utils import formatdate
from typing import Literal

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

Status = Literal[429, "429-endpoint", 500, 502, "drop-before", "drop-after"]
STATUSES = (429, "429-endpoint", 500, 502, "drop-before", "drop-after")
DOOR = "/-/sandbox/faults"
RETRY_AFTER = 1


@dataclass
class Fault:
    """One entry of the list."""

    method: str
    path: str
    status: Status
    times: int = 1

    def __post_init__(self) -> None:
        if self.status not in STATUSES or isinstance(self.status, float):
            raise ValueError(f"status must be one of {STATUSES}, got {self.status!r}")
        if not isinstance(self.times, int) or self.times < 1:
            raise ValueError(f"times must be a whole number of 1 or more, got {self.times!r}")
        if not isinstance(self.method, str):
            raise TypeError(f"method must be a verb or *, got {self.method!r}")
        re.compile(self.path)


class Faults:
    """The list, used up in order; kept in memory only."""

    def __init__(self) -> None:
        self.entries: list[Fault] = []

    def take(self, method: str, raw_path: str) -> Status | None:
        """Return how this request fails, or None, and use up one turn."""
        for entry in self.entries:
            if entry.method in ("*", method) and re.search(entry.path, raw_path):
                entry.times -= 1
                if entry.times == 0:
                    self.entries.remove(entry)
                return entry.status
        return None

    async def show(self, request: Request) -> Response:  # noqa: ARG002 - a route's signature
        """GET: the turns that are left."""
        return JSONResponse([vars(entry) for entry in self.entries])

    async def replace(self, request: Request) -> Response:
        """PUT: a new list; 400 with what is wrong with it."""
        try:
            self.entries = [Fault(**entry) for entry in await request.json()]
        except (TypeError, ValueError, re.error) as problem:
            return JSONResponse({"sandbox": f"faults must be a list of method, path, status, times: {problem}"}, 400)
        return Response(status_code=204)

    def routes(self) -> list[Route]:
        """Return the routes of the door."""
        return [Route(DOOR, self.show, methods=["GET"]), Route(DOOR, self.replace, methods=["PUT"])]


def reply(status: Status) -> Response:
    """Return the answer of a fault that answers (lib/gitlab/rack_attack.rb, lib/api/helpers/rate_limiter.rb)."""
    reset = int(time.time()) + RETRY_AFTER
    waiting = {"Retry-After": str(RETRY_AFTER), "RateLimit-Reset": str(reset)}
    if status == 429:
        throttle = {
            "RateLimit-Name": "throttle_authenticated_api",
            "RateLimit-Limit": "2000",
            "RateLimit-Observed": "2001",
            "RateLimit-Remaining": "0",
            "RateLimit-ResetTime": formatdate(reset, usegmt=True),
        }
        return Response("Retry later\n", 429, waiting | throttle, "text/plain")
    if status == "429-endpoint":
        text = "This endpoint has been requested too many times. Try again later."
        return JSONResponse({"message": {"error": text}}, 429, waiting)
    if status == 502:
        return Response("<html><head><title>502 Bad Gateway</title></head></html>", 502, media_type="text/html")
    return JSONResponse({"message": "500 Internal Server Error"}, 500)
