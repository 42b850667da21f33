"""The labels of a container: whose it is, and the route to it. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from components.docker_app.swap import Generation

ID_LABEL = "gitlab-deploy.id"
"""Says whose a container is: the id of its stack."""
STACK_LABEL = "gitlab-deploy.stack"
"""PROJECT/STACK/NAME, for people: two clones of the program may have the same."""
TRIAL_LABEL = "gitlab-deploy.trial"
"""The same, of a container that is tried out beside the one that serves."""
NOT_ROUTED = {"traefik.enable": "false"}
"""A Traefik that exposes every container (exposedByDefault) leaves this one out."""
PROBE_HEADER = "X-Gitlab-Deploy"
"""Header of the answer by which it is seen that the proxy knows a container, and which one."""
_FIRST = 1_000_000_000
"""A priority above all others, of a router that takes one path which nobody else asks for."""


@dataclass(frozen=True, kw_only=True)
class Route:
    """A route of Traefik to a container."""

    name: str
    """Name of the application."""
    hosts: Sequence[str]
    """Host names that are routed, one at least."""
    path: str = "/"
    """What the path of a request starts with."""
    port: int
    """Port the container listens on."""
    network: str
    """Traefik's own network."""
    entry_point: str
    tls: bool = True
    cert_resolver: str | None = None
    """None leaves the certificate to the entry point."""
    middlewares: Sequence[str] = ()
    """NAME@PROVIDER, or the name of one that `labels` define, in the order in which they take a request."""
    priority: int | None = None
    """The lowest that the router has; None for Traefik's own choice, the length of the rule."""
    health_path: str | None = None
    """Path that is asked for through the proxy; None for one that means nothing to the application."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """Further labels; the names of middlewares that they define are made the container's own."""

    @property
    def rule(self) -> str:
        """The rule, in the language of Traefik 2 and 3."""
        hosts = " || ".join(f"Host(`{host}`)" for host in self.hosts)
        if self.path == "/":
            return hosts
        return f"{f'({hosts})' if len(self.hosts) > 1 else hosts} && PathPrefix(`{self.path}`)"

    @property
    def lowest(self) -> int:
        """The lowest priority that its router has."""
        return len(self.rule) if self.priority is None else self.priority


def probe_path(token: str) -> str:
    """The path by which the container of this token is asked for through the proxy."""
    return f"/.well-known/gitlab-deploy/{token}"


def token_in(found: Mapping[str, str], name: str) -> str:
    """The token of the container of an application that has these labels; empty if it has none."""
    prefix, suffix = f"traefik.http.routers.{name}-", ".rule"
    tokens = [
        label[len(prefix) : -len(suffix)] for label in found if label.startswith(prefix) and label.endswith(suffix)
    ]
    return next((token for token in sorted(tokens, key=len) if token.isalnum()), "")


def labels(owner: str, route: Route | None, generation: Generation | None = None) -> dict[str, str]:
    """The stack of the container, and the route to it (Traefik: Docker provider, routing configuration).

    Router and service have names that no other container has, and the newer router has the higher priority: it takes
    all requests at once. A router beside it takes one path alone, by which it is seen that the proxy knows the
    container; it has the same entry point and middlewares, so that it fails if the other one does.
    """
    if route is None or generation is None:
        return {STACK_LABEL: owner, **NOT_ROUTED}
    unique, host = f"{route.name}-{generation.token}", route.hosts[0]
    probe = f"{unique}-probe"
    own = {name.split(".")[3] for name in route.labels if name.startswith("traefik.http.middlewares.")}
    used = [f"{name}-{generation.token}" if name in own else name for name in route.middlewares]
    shared = {
        "entrypoints": route.entry_point,
        "service": unique,
        **({"tls": "true"} if route.tls else {}),
        **({"tls.certresolver": route.cert_resolver} if route.cert_resolver else {}),
    }
    routers = {
        unique: {
            "rule": route.rule,
            "priority": str(route.lowest + generation.level),
            **shared,
            **({"middlewares": ",".join(used)} if used else {}),
        },
        probe: {
            "rule": f"Host(`{host}`) && Path(`{probe_path(generation.token)}`)",
            "priority": str(_FIRST),
            **shared,
            "middlewares": ",".join([probe, *([f"{probe}-path"] if route.health_path else []), *used]),
        },
    }
    if generation.starts_over:
        # The lowest priority again. Traefik drops a router that two containers define differently: that of the
        # container before this one. Later on it is one more that nobody asks for.
        routers[f"{route.name}-{generation.before}"] = {
            "rule": f"Host(`{host}`) && Path(`{probe_path(generation.before)}/over`)",
            **shared,
        }
    return {
        STACK_LABEL: owner,
        "traefik.enable": "true",
        "traefik.docker.network": route.network,
        **{
            f"traefik.http.routers.{name}.{key}": value
            for name, router in routers.items()
            for key, value in router.items()
        },
        f"traefik.http.services.{unique}.loadbalancer.server.port": str(route.port),
        f"traefik.http.middlewares.{probe}.headers.customresponseheaders.{PROBE_HEADER}": generation.token,
        **({f"traefik.http.middlewares.{probe}-path.replacepath.path": route.health_path} if route.health_path else {}),
        **_renamed(route.labels, own, generation.token),
    }


def _renamed(given: Mapping[str, str], own: set[str], token: str) -> dict[str, str]:
    """The labels, with the names of the middlewares that they define made the container's own.

    Two containers that define one middleware differently would lose it, and their routers with it.
    """
    renamed: dict[str, str] = {}
    for label, value in given.items():
        parts = label.split(".")
        if label.startswith("traefik.http.middlewares."):
            parts[3] = f"{parts[3]}-{token}"
        names = value.split(",") if parts[4:] == ["chain", "middlewares"] else []
        chain = ",".join(f"{name}-{token}" if name in own else name for name in names)
        renamed[".".join(parts)] = chain or value
    return renamed
