"""Waits until the reverse proxy serves a container, and says why it does not. No Pulumi here."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from components.docker_app.entrance import Answer, Entrance, ask_from_here, ask_from_host
from components.docker_app.labels import probe_path
from components.docker_app.remote_docker import RemoteDocker

_POLL_SECONDS = 0.2
_ROUTED_SECONDS = 30.0
"""Traefik takes up to three seconds for it; on a busy host more."""
_ANSWERED_SECONDS = 5.0
"""How long the proxy may get no answer from the container once it knows it."""
_NO_ANSWER = (502, 503, 504)
"""What a proxy says if it gets no answer (RFC 9110, 15.6)."""


@dataclass(frozen=True, kw_only=True)
class Reach:
    """The way of a request to one container."""

    entrance: Entrance
    entry_points: Sequence[str]
    """Of its router, as the labels name them."""
    token: str
    """Of the container."""

    def problem(self, remote: RemoteDocker) -> str | None:
        """Why requests do not get to the container, with the fix; None once they do."""
        begun = time.monotonic()
        unanswered: float | None = None
        while True:
            answer = self._ask(remote)
            waited = time.monotonic() - begun
            if answer.token == self.token and answer.status not in _NO_ANSWER:
                return None
            if answer.token == self.token:
                unanswered = waited if unanswered is None else unanswered
                limit = unanswered + _ANSWERED_SECONDS
            else:
                unanswered, limit = None, _ROUTED_SECONDS
            if waited >= limit:
                return self._explained(remote, answer)
            time.sleep(_POLL_SECONDS)

    def _ask(self, remote: RemoteDocker) -> Answer:
        path = probe_path(self.token)
        from_host = ask_from_host(remote, self.entrance, path)
        if from_host.status:
            return from_host
        from_here = ask_from_here(self.entrance, path)
        return from_here if from_here.status else from_host

    def _explained(self, remote: RemoteDocker, answer: Answer) -> str:
        host, where = self.entrance.host, f"{self.entrance.from_host} of {remote.address}"
        if answer.status == 0:
            return (
                f"the reverse proxy cannot be asked at {where} ({answer.reason}), nor at {host}:{self.entrance.port} "
                "from here; set gitlab-deploy:dockerHost.proxy to the address at which it listens"
            )
        if answer.token == self.token:
            return (
                f"the reverse proxy gets no answer from it (status {answer.status}); have the application listen on "
                "0.0.0.0, label it with its port, and put it on the proxy's network (traefik.docker.network)"
            )
        points = f"the entry points {', '.join(self.entry_points)}" if self.entry_points else "its labels"
        return (
            f"the reverse proxy at {where} does not route {host} to it (it answers with status {answer.status}); see "
            f"in the proxy's log whether it takes {points}, its middlewares and its certificate resolver"
        )
