"""Traefik labels of a service whose new container runs beside the old one. Pure.

Both would have the same routers, and Traefik would give each every other request; when the old one stops, requests on
their way to it are lost until Traefik knows. So each container has routers and services of its own names, and those of
the new one win: their priority is higher by one (see `swap`).
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from components.compose.interpolation import names
from components.docker_app.labels import PROBE_HEADER, probe_path
from components.docker_app.swap import Generation
from components.docker_app.traefik_rules import hosts, path

_FIRST = 1_000_000_000
"""A priority above all others."""
_OVER = "/.well-known/gitlab-deploy/over"
_ROUTER = re.compile(r"traefik\.http\.routers\.([^.]+)\.(.+)", re.IGNORECASE)
_SERVICE = re.compile(r"traefik\.http\.services\.([^.]+)\.(.+)", re.IGNORECASE)
_ERRORS_SERVICE, _CHAINED = "errors.service", "chain.middlewares"
_MIDDLEWARE = re.compile(r"traefik\.http\.middlewares\.([^.]+)\.(.+)", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Route:
    """A router of a service."""

    name: str
    rule: str
    entry_points: tuple[str, ...]
    tls: bool
    """Whether its labels say that it takes requests over TLS; else the entry point decides."""
    middlewares: tuple[str, ...] = ()
    cert_resolver: str | None = None

    @property
    def hosts(self) -> tuple[str, ...]:
        """The host names in its rule."""
        return hosts(self.rule)

    @property
    def path(self) -> str:
        """A path that its rule takes."""
        return path(self.rule)


def routes(labels: Mapping[str, str]) -> list[Route]:
    """The routers that the labels declare."""
    found: dict[str, dict[str, str]] = {}
    for label, value in labels.items():
        if router := _ROUTER.fullmatch(label):
            found.setdefault(router[1], {})[router[2].lower()] = value
    return [
        Route(
            name=name,
            rule=fields["rule"],
            entry_points=_listed(fields.get("entrypoints", "")),
            tls=fields.get("tls", "true").lower() == "true"
            and any(field == "tls" or field.startswith("tls.") for field in fields),
            middlewares=_listed(fields.get("middlewares", "")),
            cert_resolver=fields.get("tls.certresolver") or None,
        )
        for name, fields in found.items()
        if "rule" in fields
    ]


def probed(labels: Mapping[str, str]) -> Route | None:
    """The router by which it is seen that the proxy serves a container: one with a host name, over TLS if one is."""
    found = [route for route in routes(labels) if route.hosts]
    return next((route for route in found if route.tls), next(iter(found), None))


def port(labels: Mapping[str, str]) -> int | None:
    """The port that the labels say Traefik sends requests to."""
    found = {
        value
        for label, value in labels.items()
        if (service := _SERVICE.fullmatch(label)) and service[2].lower() == "loadbalancer.server.port"
    }
    return int(found.pop()) if len(found) == 1 and all(value.isdigit() for value in found) else None


def of_generation(labels: Mapping[str, str], service: str, generation: Generation) -> dict[str, str]:
    """The labels, with routers and services that no container of another generation has.

    `service` is the name of the service. A middleware keeps its name for whoever else refers to it; the service's own
    routers take one whose name says what it does, for Traefik drops a middleware that two containers define
    differently.
    """
    suffix = f"-{generation.token}"
    own = {found[1].lower(): found[1] for label in labels if (found := _SERVICE.fullmatch(label))}
    middlewares = _middlewares(labels, own, suffix)
    asked = {
        value.partition("@")[0].lower()
        for label, value in labels.items()
        if _field(label) == _ERRORS_SERVICE and _renamed(value, own, suffix) != value
    }
    found_labels: dict[str, str] = {}
    for label, value in labels.items():
        if router := _ROUTER.fullmatch(label):
            used = [_own_middleware(one.strip(), middlewares) for one in value.split(",")]
            changed = {"service": _renamed(value, own, suffix), "middlewares": ",".join(used)}
            field = router[2].lower()
            found_labels[f"traefik.http.routers.{router[1]}{suffix}.{field}"] = changed.get(field, value)
        elif kind := _SERVICE.fullmatch(label):
            found_labels[f"traefik.http.services.{kind[1]}{suffix}.{kind[2]}"] = value
            if kind[1].lower() in asked:
                # Whoever refers to the middleware gets its pages from here.
                found_labels[label] = value
        else:
            found_labels[label] = value
    found_labels |= _copies(labels, middlewares, own, suffix)
    if not own:
        # Traefik would make one of the compose labels, the same for both containers. It finds the port itself.
        own = {service.lower(): service}
        found_labels[f"traefik.http.services.{service}{suffix}.loadbalancer.server.scheme"] = "http"
    if len(own) == 1:
        for name in {router[1] for label in labels if (router := _ROUTER.fullmatch(label))}:
            at = f"traefik.http.routers.{name}{suffix}.service"
            found_labels.setdefault(at, f"{next(iter(own.values()))}{suffix}")
    found_labels |= _ranked(routes(labels), found_labels, suffix, generation)
    if (probe := probed(labels)) is not None:
        found_labels |= _probe(probe, found_labels, generation.token)
    return found_labels


def _ranked(found: Sequence[Route], labels: Mapping[str, str], suffix: str, generation: Generation) -> dict[str, str]:
    """The priorities of the routers, so that those of the newer container come first."""
    ranks: dict[str, str] = {}
    for route in found:
        at = f"traefik.http.routers.{route.name}{suffix}"
        given = labels.get(f"{at}.priority", "")
        lowest = int(given) if given.isdigit() and int(given) else len(route.rule)
        ranks[f"{at}.priority"] = str(lowest + generation.level)
        if generation.starts_over:
            # The lowest priority again. Traefik drops a router that two containers define differently: that of the
            # container before this one. Later on it is one more that nobody asks for.
            before = f"traefik.http.routers.{route.name}-{generation.before}"
            ranks[f"{before}.rule"] = f"Path(`{_OVER}/{generation.before}`)"
            if f"{at}.service" in labels:
                ranks[f"{before}.service"] = labels[f"{at}.service"]
            if route.entry_points:
                ranks[f"{before}.entrypoints"] = ",".join(route.entry_points)
    return ranks


def _probe(route: Route, labels: Mapping[str, str], token: str) -> dict[str, str]:
    """A router beside that of the route, for one path that nobody else asks for: the answer says whose it is.

    It has all that the other one has, so that it fails if that does.
    """
    own, name = f"traefik.http.routers.{route.name}-{token}.", f"{route.name}-{token}-probe"
    fields = {label.removeprefix(own): value for label, value in labels.items() if label.startswith(own)}
    used = [name, *filter(None, [fields.get("middlewares")])]
    fields |= {
        "rule": f"Host(`{route.hosts[0]}`) && Path(`{probe_path(token)}`)",
        "priority": str(_FIRST),
        "middlewares": ",".join(used),
    }
    return {
        **{f"traefik.http.routers.{name}.{field}": value for field, value in fields.items()},
        f"traefik.http.middlewares.{name}.headers.customresponseheaders.{PROBE_HEADER}": token,
    }


def _listed(text: str) -> tuple[str, ...]:
    return tuple(filter(None, map(str.strip, text.split(","))))


def _field(label: str) -> str:
    """What a label says of a middleware."""
    found = _MIDDLEWARE.fullmatch(label)
    return found[2].lower() if found else ""


def _middlewares(labels: Mapping[str, str], own: Mapping[str, str], suffix: str) -> dict[str, str]:
    """The names under which the service's own routers use the middlewares that it defines itself.

    One that refers to another middleware or to a service of these labels refers to that of the generation, and what is
    encrypted in one is not known here.
    """
    definitions: dict[str, dict[str, str]] = {}
    for label, value in labels.items():
        if found := _MIDDLEWARE.fullmatch(label):
            definitions.setdefault(found[1].lower(), {})[found[2].lower()] = value
    return {
        name: f"{name}-{hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()[:8]}"
        + suffix * _is_of_generation(fields, own)
        for name, fields in definitions.items()
    }


def _is_of_generation(fields: Mapping[str, str], own: Mapping[str, str]) -> bool:
    """Whether a middleware that says the same in the labels may be another one in the next generation."""
    asked = fields.get(_ERRORS_SERVICE, "")
    return _CHAINED in fields or _renamed(asked, own, "-") != asked or any(map(names, fields.values()))


def _copies(
    labels: Mapping[str, str], middlewares: Mapping[str, str], own: Mapping[str, str], suffix: str
) -> dict[str, str]:
    """The middlewares that the labels define, under the names by which the service's own routers use them."""
    found: dict[str, str] = {}
    for label, value in labels.items():
        if middleware := _MIDDLEWARE.fullmatch(label):
            used = [_own_middleware(one.strip(), middlewares) for one in value.split(",")]
            changed = {_ERRORS_SERVICE: _renamed(value, own, suffix), _CHAINED: ",".join(used)}
            at = f"traefik.http.middlewares.{middlewares[middleware[1].lower()]}.{middleware[2]}"
            found[at] = changed.get(middleware[2].lower(), value)
    return found


def _own_middleware(reference: str, middlewares: Mapping[str, str]) -> str:
    name, _, provider = reference.partition("@")
    own = middlewares.get(name.lower())
    return own if own and provider.lower() in {"", "docker"} else reference


def _renamed(reference: str, own: Mapping[str, str], suffix: str) -> str:
    name, _, provider = reference.partition("@")
    return f"{name}{suffix}" if name.lower() in own and provider.lower() in {"", "docker"} else reference
