"""The labels of a container: whose it is, and the route to it. Pure."""

import hashlib
import json
from dataclasses import dataclass

ID_LABEL = "gitlab-deploy.id"
"""Says whose a container is: the id of its stack."""
STACK_LABEL = "gitlab-deploy.stack"
"""PROJECT/STACK/NAME, for people: two clones of the program may have the same."""
TRIAL_LABEL = "gitlab-deploy.trial"
"""The same, of a container that is tried out beside the one that serves."""
NOT_ROUTED = {"traefik.enable": "false"}
"""A Traefik that exposes every container (exposedByDefault) leaves this one out."""


@dataclass(frozen=True, kw_only=True)
class Route:
    """A route of Traefik to a container."""

    name: str
    """Name of the application."""
    host: str
    """Host name that is routed."""
    port: int
    """Port the container listens on."""
    network: str
    """Traefik's own network."""
    entry_point: str
    cert_resolver: str | None
    """None leaves the certificate to the entry point."""


def labels(owner: str, route: Route | None) -> dict[str, str]:
    """The stack of the container, and the route to it (Traefik: Docker provider, routing configuration).

    Traefik drops a router, service or middleware that two containers define differently, on both of them. So the names
    end in a hash of what they stand for: while two containers overlap, theirs are either the same or have other names.
    """
    if route is None:
        return {STACK_LABEL: owner, **NOT_ROUTED}
    router = {
        "rule": f"Host(`{route.host}`)",
        "entrypoints": route.entry_point,
        "tls": "true",
        **({"tls.certresolver": route.cert_resolver} if route.cert_resolver else {}),
    }
    digest = hashlib.sha256(json.dumps([router, route.port], sort_keys=True).encode()).hexdigest()
    unique = f"{route.name}-{digest[:8]}"
    return {
        STACK_LABEL: owner,
        "traefik.enable": "true",
        "traefik.docker.network": route.network,
        **{f"traefik.http.routers.{unique}.{key}": value for key, value in router.items()},
        f"traefik.http.routers.{unique}.service": unique,
        f"traefik.http.routers.{unique}.middlewares": unique,
        f"traefik.http.services.{unique}.loadbalancer.server.port": str(route.port),
        # A request that meets the old container while it stops is sent again, to the new one.
        f"traefik.http.middlewares.{unique}.retry.attempts": "4",
    }
