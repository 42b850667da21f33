"""Waits until the reverse proxy serves a container, and says why it does not. No Pulumi here."""

import time
from dataclasses import dataclass, replace

from components.docker_app.entrance import Answer, Entrance, ask_from_here, ask_from_host
from components.docker_app.labels import Route, probe_path
from components.docker_app.remote_docker import RemoteDocker

_POLL_SECONDS = 0.2
_ROUTED_SECONDS = 30
"""Traefik takes up to three seconds for it; on a busy host more."""
_ANSWERED_SECONDS = 5
"""How long the proxy may get no answer from the container once it knows it: the requests of users get none either."""
_NO_ANSWER = (502, 503, 504)
"""What a proxy says if it gets no answer (RFC 9110, 15.6)."""


@dataclass(frozen=True, kw_only=True)
class Reach:
    """The way of a request to one container."""

    entrance: Entrance
    route: Route
    token: str
    """Of the container."""
    seconds: int
    """How long the proxy may take to have a certificate."""

    def problem(self, remote: RemoteDocker) -> str | None:
        """Why requests do not get to the container, with the fix; None once they do."""
        begun = time.monotonic()
        unanswered: float | None = None
        while True:
            answer = self._ask(remote)
            waited = time.monotonic() - begun
            if answer.token != self.token:
                unanswered, limit, problem = None, float(_ROUTED_SECONDS), self._not_routed(remote, answer)
            elif answer.status in _NO_ANSWER:
                unanswered = waited if unanswered is None else unanswered
                limit, problem = unanswered + _ANSWERED_SECONDS, self._not_answered(answer)
            elif self.route.cert_resolver and answer.has_default_certificate:
                unanswered, limit, problem = None, max(self.seconds, _ROUTED_SECONDS), self._not_certified()
            else:
                return None
            if waited >= limit:
                return problem
            time.sleep(_POLL_SECONDS)

    def _ask(self, remote: RemoteDocker) -> Answer:
        path = probe_path(self.token)
        from_host = ask_from_host(remote, self.entrance, path)
        if from_host.status:
            return from_host
        from_here = ask_from_here(self.entrance, path)
        return from_here if from_here.status else from_host

    def _not_routed(self, remote: RemoteDocker, answer: Answer) -> str:
        route, where = self.route, f"{self.entrance.from_host} of {remote.address}"
        if answer.status == 0:
            # By a connection of its own, which says why.
            answer = ask_from_host(replace(remote, shares_connection=False), self.entrance, "/")
            return (
                f"the reverse proxy cannot be asked at {where} ({answer.reason or 'no answer'}), nor at "
                f"{self.entrance.host}:{self.entrance.port} from here; set gitlab-deploy:dockerHost.proxy to the "
                "address at which it listens"
            )
        names = [f"the entry point {route.entry_point!r}", *(f"the middleware {name!r}" for name in route.middlewares)]
        if route.cert_resolver:
            names.append(f"the certificate resolver {route.cert_resolver!r}")
        return (
            f"the reverse proxy at {where} does not route {self.entrance.host} to it (it answers with status "
            f"{answer.status}); see in the proxy's log whether it knows {_listed(names)}"
        )

    def _not_answered(self, answer: Answer) -> str:
        return (
            f"the reverse proxy gets no answer from its port {self.route.port} in the network "
            f"{self.route.network!r} (status {answer.status}); have the application listen on 0.0.0.0, and the proxy "
            "attached to that network"
        )

    def _not_certified(self) -> str:
        return (
            f"the reverse proxy has no certificate for {self.entrance.host}, and shows one of its own; see in its log "
            f"whether it knows the certificate resolver {self.route.cert_resolver!r}, and why that gets none"
        )


def _listed(names: list[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
