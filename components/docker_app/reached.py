"""Waits until the reverse proxy serves a container, and says why it does not. No Pulumi here."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from components.docker_app.entrance import Answer, Entrance, ask_from_here, ask_from_host
from components.docker_app.labels import probe_path
from components.docker_app.remote_docker import RemoteDocker

_SOON_SECONDS, _POLL_SECONDS = 0.05, 0.2
"""Between two questions, while the answer is due at any moment, and later."""
_USUAL_SECONDS = 3
"""Traefik takes up to so long to route to a container; on a busy host longer."""
_ROUTED_SECONDS = 30
_ANSWERED_SECONDS = 5
"""How long the proxy may get no answer from the container once it knows it: the requests of users get none either."""
_NO_ANSWER = (502, 503, 504)
"""What a proxy says if it gets no answer (RFC 9110, 15.6)."""


@dataclass(frozen=True, kw_only=True)
class Reach:
    """The way of a request to one container."""

    entrances: Sequence[Entrance]
    """Where the proxy may take it; one at least."""
    token: str
    """Of the container."""
    entry_points: Sequence[str]
    middlewares: Sequence[str] = ()
    cert_resolver: str | None = None
    """What its router names."""
    served: bool = False
    """Whether the stack's container before it has served this host: with the certificate that the proxy has now."""
    at: str = "it"
    """Where the proxy sends the request."""
    remedy: str
    """What to see to if the proxy gets no answer there."""
    seconds: int
    """How long the proxy may take to have a certificate."""

    def problem(self, remote: RemoteDocker) -> str | None:
        """Why requests do not get to the container, with the fix; None once they do."""
        begun = time.monotonic()
        unanswered: float | None = None
        while True:
            entrance, answer = self._ask(remote)
            waited = time.monotonic() - begun
            if answer.token != self.token:
                unanswered, limit, problem = None, float(_ROUTED_SECONDS), self._not_routed(remote, entrance, answer)
            elif answer.status in _NO_ANSWER:
                unanswered = waited if unanswered is None else unanswered
                limit, problem = unanswered + _ANSWERED_SECONDS, self._not_answered(answer)
            elif self.cert_resolver and answer.has_other_certificate and not self.served:
                unanswered, limit, problem = None, max(self.seconds, _ROUTED_SECONDS), self._not_certified(entrance)
            else:
                return None
            if waited >= limit:
                return problem
            time.sleep(_SOON_SECONDS if waited < _USUAL_SECONDS else _POLL_SECONDS)

    def _ask(self, remote: RemoteDocker) -> tuple[Entrance, Answer]:
        """The answer by the container's own route if there is one, else any that there is, else the first."""
        path, found = probe_path(self.token), []
        for entrance in self.entrances:
            answer = ask_from_host(remote, entrance, path)
            if not answer.status:
                from_here = ask_from_here(entrance, path)
                answer = from_here if from_here.status else answer
            if answer.token == self.token:
                return entrance, answer
            found.append((entrance, answer))
        return next((one for one in found if one[1].status), found[0])

    def _not_routed(self, remote: RemoteDocker, entrance: Entrance, answer: Answer) -> str:
        where = f"{entrance.from_host} of {remote.address}"
        if answer.status == 0:
            # By a connection of its own, which says why.
            answer = ask_from_host(replace(remote, shares_connection=False), entrance, "/")
            return (
                f"the reverse proxy cannot be asked at {where} ({answer.reason or 'no answer'}), nor at "
                f"{entrance.host}:{entrance.port} from here; set gitlab-deploy:dockerHost.proxy to the "
                "address at which it listens"
            )
        names = [f"the entry point {name!r}" for name in self.entry_points]
        names += [f"the middleware {name!r}" for name in self.middlewares]
        if self.cert_resolver:
            names.append(f"the certificate resolver {self.cert_resolver!r}")
        return (
            f"the reverse proxy at {where} does not route {entrance.host} to it (it answers with status "
            f"{answer.status}); see in the proxy's log whether it knows {_listed(names or ['its labels'])}"
        )

    def _not_answered(self, answer: Answer) -> str:
        return f"the reverse proxy gets no answer from {self.at} (status {answer.status}); {self.remedy}"

    def _not_certified(self, entrance: Entrance) -> str:
        return (
            f"the reverse proxy has no certificate for {entrance.host}, and shows another; see in its log "
            f"whether it knows the certificate resolver {self.cert_resolver!r}, and why that gets none; if the "
            "name does not lead there yet, deploy without a certificate resolver until it does"
        )


def _listed(names: list[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
