"""Containers' Traefik labels as routes of Caddy, which stands in for Traefik in the sandbox.

What is done of Traefik's Docker provider is done as it does it, the unkind parts included (package
pkg/provider/docker of Traefik 3, with exposedByDefault off): a container that is not healthy is not there; routers,
services and middlewares of one name that differ are dropped, all of them; so is a router whose middleware is missing.
Left out: TLS and entry points (everything is served on one plain port), rules other than Host, middlewares other than
retry, and the rule that Traefik makes up for a container without a router.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Options = dict[str, str]
"""What labels say of one router, service or middleware: option, in lower case -> value."""

LABEL = re.compile(r"traefik\.http\.(routers|services|middlewares)\.([^.]+)\.(.+)", re.IGNORECASE)
PORT = "loadbalancer.server.port"
RULE = re.compile(r"""\s*Host\(\s*(?:`([\w.-]+)`|"([\w.-]+)")\s*\)\s*""", re.ASCII)
DURATION = re.compile(r"\d+(?:\.\d+)?(?:ns|us|ms|s|m|h)")
NOT_FOUND = {"handle": [{"handler": "static_response", "status_code": 404, "body": "404 page not found\n"}]}
FORWARDED = ("X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto")


@dataclass(frozen=True)
class Container:
    """What decides on a running container's routes."""

    name: str
    labels: Mapping[str, str]
    health: str | None = None
    """`starting`, `healthy` or `unhealthy`; None where it has no healthcheck."""
    addresses: Mapping[str, str] = field(default_factory=dict)
    """Network -> the container's address in it."""
    ports: tuple[int, ...] = ()
    """Those it exposes."""


@dataclass(frozen=True)
class Routing:
    """Routes, and what is to be said about them."""

    routes: list[dict[str, Any]]
    """Routes of a Caddy server, in the order in which they are tried; the last one answers 404."""
    servers: dict[str, list[str]]
    """Host name -> ADDRESS:PORT of the containers that answer for it."""
    problems: list[str]
    """What is ignored, and why."""


def inspected(document: Mapping[str, Any]) -> Container:
    """The container that Docker describes (its API's GET /containers/ID/json)."""
    settings = document["NetworkSettings"]
    return Container(
        name=document["Name"].removeprefix("/"),
        labels=document["Config"]["Labels"] or {},
        health=document["State"].get("Health", {}).get("Status"),
        addresses={name: network["IPAddress"] for name, network in settings["Networks"].items()},
        ports=tuple(int(port.partition("/")[0]) for port in settings["Ports"] or {}),
    )


def translate(containers: Iterable[Container]) -> Routing:
    """The routes to these containers, which are the running ones."""
    found = _Labels()
    for container in sorted(containers, key=lambda container: container.name):
        # As Go's strconv.ParseBool does.
        enabled = container.labels.get("traefik.enable") in {"1", "t", "T", "true", "TRUE", "True"}
        if enabled and container.health in {None, "healthy"}:
            found.add(container)
    found.drop_conflicts()
    routes, servers = [], {}
    # The longest rule comes first, in Traefik too.
    for name, router in sorted(found.routers.items(), key=lambda item: (-len(item[1]["rule"]), item[0])):
        try:
            hosts = _hosts(router["rule"])
            upstreams = found.upstreams(router["service"])
            balancing = found.balancing(router.get("middlewares", ""))
        except ValueError as error:
            found.problems.append(f"router {name} is ignored: {error}")
            continue
        routes.append({"match": [{"host": hosts}], "handle": [_proxy(upstreams, balancing)], "terminal": True})
        servers.update({host: upstreams for host in hosts if host not in servers})
    return Routing([*routes, NOT_FOUND], servers, found.problems)


class _Labels:
    """The labels of several containers, put together."""

    def __init__(self) -> None:
        self.problems: list[str] = []
        self.routers: dict[str, Options] = {}
        self._services: dict[str, Options] = {}
        self._middlewares: dict[str, Options] = {}
        self._servers: dict[str, list[str]] = {}
        self._conflicts: set[tuple[str, str]] = set()

    def add(self, container: Container) -> None:
        """Add those of one container; it is left out altogether where one of its services has no server."""
        read: dict[str, dict[str, Options]] = {"routers": {}, "services": {}, "middlewares": {}}
        for label, value in container.labels.items():
            match = LABEL.fullmatch(label)
            if match:
                kind, name, option = match.groups()
                read[kind.lower()].setdefault(name, {})[option.lower()] = value
        routers, services = read["routers"], read["services"] or {container.name: {}}
        if not routers:
            return
        try:
            servers = {name: self._server(container, service) for name, service in services.items()}
        except ValueError as error:
            self.problems.append(f"container {container.name} is ignored: {error}")
            return
        for name, router in list(routers.items()):
            if "rule" not in router or ("service" not in router and len(services) > 1):
                missing = "service, and the container has several" if "rule" in router else "rule"
                self.problems.append(f"router {name} of container {container.name} is ignored: it names no {missing}")
                del routers[name]
            else:
                router.setdefault("service", next(iter(services)))
        for name, server in servers.items():
            self._servers.setdefault(name, []).append(server)
            services[name].pop(PORT, None)
        self._merge("router", self.routers, routers)
        self._merge("service", self._services, services)
        self._merge("middleware", self._middlewares, read["middlewares"])

    def drop_conflicts(self) -> None:
        """Forget everything that containers describe in different ways."""
        known = {"router": self.routers, "service": self._services, "middleware": self._middlewares}
        for kind, name in sorted(self._conflicts):
            del known[kind][name]
            self.problems.append(f"{kind} {name} is ignored: containers describe it in different ways")

    def upstreams(self, service: str) -> list[str]:
        """ADDRESS:PORT of a service's containers; ValueError where there is no such service."""
        name = service.removesuffix("@docker")
        if name not in self._services:
            raise ValueError(f"there is no service {service}")
        return self._servers[name]

    def balancing(self, middlewares: str) -> dict[str, Any]:
        """How Caddy balances behind these middlewares (M, M@docker); ValueError where one is missing or wrong."""
        balancing: dict[str, Any] = {"selection_policy": {"policy": "round_robin"}}
        for middleware in filter(None, (part.strip() for part in middlewares.split(","))):
            options = self._middlewares.get(middleware.removesuffix("@docker"))
            if options is None:
                raise ValueError(f"there is no middleware {middleware}")
            if any(option.startswith("retry.") for option in options):
                balancing |= _retries(middleware, options)
            else:
                self.problems.append(f"middleware {middleware} has no effect: the sandbox knows retry only")
        return balancing

    def _server(self, container: Container, service: Options) -> str:
        """ADDRESS:PORT of a container as a server of one of its services; ValueError where it has none."""
        network = container.labels.get("traefik.docker.network", "")
        if network not in container.addresses:
            if network:
                self.problems.append(f"container {container.name} is not in network {network}: its first one is taken")
            network = min(container.addresses, default="")
        address = container.addresses.get(network)
        if not address:
            raise ValueError("it has no address in any network")
        port = service.get(PORT) or str(min(container.ports, default=""))
        if not port.isdecimal() or not 0 < int(port) < 65536:
            raise ValueError(f"its port {port!r} is none" if port else "it exposes no port, and no label names one")
        return f"{address}:{port}"

    def _merge(self, kind: str, known: dict[str, Options], more: dict[str, Options]) -> None:
        self._conflicts |= {(kind, name) for name, options in more.items() if known.get(name, options) != options}
        known.update({name: options for name, options in more.items() if name not in known})


def _hosts(rule: str) -> list[str]:
    """The host names of a rule; ValueError where it says anything else."""
    parts = [RULE.fullmatch(part) for part in rule.split("||")]
    hosts = [part[1] or part[2] for part in parts if part]
    if len(hosts) < len(parts):
        raise ValueError(f"the rule {rule!r} is not made of Host(`NAME`) and ||")
    return hosts


def _retries(middleware: str, options: Options) -> dict[str, Any]:
    """Caddy's retries for Traefik's; ValueError for numbers that are none.

    Traefik counts the first attempt too, and never repeats a request that a server may have seen.
    """
    attempts, interval = options.get("retry.attempts", ""), options.get("retry.initialinterval", "0")
    # A bare number is one of seconds.
    interval = f"{interval}s" if interval.isdecimal() else interval
    if not re.fullmatch(r"[1-9]\d{0,3}", attempts) or not DURATION.fullmatch(interval):
        raise ValueError(f"middleware {middleware} has {attempts!r} attempts, with an interval of {interval!r}")
    return {
        "retries": int(attempts) - 1,
        "try_interval": interval,
        # No request has this method: a request is sent again only where no connection could be made.
        "retry_match": [{"method": ["NONE"]}],
    }


def _proxy(upstreams: list[str], balancing: dict[str, Any]) -> dict[str, Any]:
    forwarded = {name: [f"{{http.request.header.{name}}}"] for name in FORWARDED}
    return {
        "handler": "reverse_proxy",
        "upstreams": [{"dial": upstream} for upstream in upstreams],
        "load_balancing": balancing,
        # Traefik's own patience with a server that does not answer at all.
        "transport": {"protocol": "http", "dial_timeout": "30s"},
        # As the Caddy in front of this one has set them.
        "headers": {"request": {"set": forwarded}},
    }
