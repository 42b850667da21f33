"""The site behind the Docker host's proxy."""

import argparse
import json
import re
import ssl
import time
from dataclasses import dataclass

from components.docker_app.entrance import Entrance, ask_from_host
from components.docker_app.labels import probe_path
from components.docker_app.remote_docker import RemoteDocker
from ops import site
from ops.checks.check import Check, holds
from ops.ops_error import OpsError

ROUTED_SECONDS = 30
"""How long a proxy may take until it serves a new container: Traefik collects changes for two seconds, and the first
certificate of a name comes later than its route."""
NO_ROUTER = "404 page not found"
_TOKEN = re.compile(re.escape(probe_path("")) + r"(\w+)")


@dataclass(frozen=True, kw_only=True)
class Declared:
    """Where the user writes what the proxy needs of a site."""

    entry_point: str
    certificate: str


def routed(
    remote: RemoteDocker,
    name: str,
    container: str,
    arguments: argparse.Namespace,
    *trusts: ssl.SSLContext | None,
    declared: Declared,
    root: str = "/",
) -> Check:
    """The site answers through the proxy; it has some time for that, as the container may be a new one.

    `trusts` are the ways to ask, of which one has to lead there: over TLS, or (None) without. `root` is the path that
    is asked for if no other one is given.
    """
    end = time.monotonic() + ROUTED_SECONDS
    while True:
        found = [_through_proxy(remote, name, container, arguments, trust, declared, root) for trust in trusts]
        passed, text = next((one for one in found if one[0]), found[0])
        if passed or time.monotonic() > end:
            return passed, text
        time.sleep(0.5)


def _through_proxy(
    remote: RemoteDocker,
    name: str,
    container: str,
    arguments: argparse.Namespace,
    trust: ssl.SSLContext | None,
    declared: Declared,
    root: str,
) -> Check:
    path = arguments.path or root
    scheme, port, over = ("https", site.PORT, "TLS") if trust else ("http", site.PLAIN_PORT, "HTTP")
    where = f"{scheme}://{name}{path}"
    try:
        try:
            answer = site.ask(name, path, trust, at=arguments.proxy or (name, port))
            where += f" at {site.shown(arguments.proxy)}" if arguments.proxy else ""
        except site.UnreachableError as unreachable:
            # Not from here, as in a job's network; the host itself reaches its own proxy.
            at = arguments.proxy or ("127.0.0.1", port)
            where += f", asked from the Docker host at {site.shown(at)}"
            try:
                answer = site.ask_from(remote, name, path, trust, at=at)
            except site.UnreachableError as error:
                return False, f"{where}, but: {error}; and from here: {unreachable}; name the proxy with --proxy"
    except site.UntrustedError as error:
        return False, f"{where}, but: {error} ({declared.certificate})"
    except OpsError as error:
        return False, f"{where}, but: {error}"
    if answer.status == 404 and answer.body.strip() == NO_ROUTER and not _is_its_own(remote, name, container, trust):
        points = ", ".join(map(repr, _entry_points(remote, container))) or "none that it names"
        return False, (
            f"{where}: answers over {over}, but: {NO_ROUTER}, which Traefik says if it has no router for the name; the "
            f"container's is for entry point {points}: see that Traefik has it and listens there "
            f"({declared.entry_point})"
        )
    # Not every site has a page at its root, or shows it to everybody: what it says itself has come through the proxy.
    if answer.status < 400 or (answer.status < 500 and arguments.path is None):
        return holds(f"{where}: answers over {over}, status {answer.status}", answer.body, arguments)
    return False, f"{where}: answers over {over}, but: status {answer.status}"


def _is_its_own(remote: RemoteDocker, name: str, container: str, trust: ssl.SSLContext | None) -> bool:
    """Whether the proxy leads to the container all the same: Go's own 404 reads as Traefik's does."""
    tokens = {token for value in _labels(remote, container).values() for token in _TOKEN.findall(value)}
    entrance = Entrance(host=name, tls=trust is not None)
    return any(ask_from_host(remote, entrance, probe_path(token)).token == token for token in sorted(tokens))


def _labels(remote: RemoteDocker, container: str) -> dict[str, str]:
    found: dict[str, str] = json.loads(
        remote.run("inspect", "--format", "{{json .Config.Labels}}", container).stdout or "{}"
    )
    return found


def _entry_points(remote: RemoteDocker, container: str) -> list[str]:
    """Those that the container's labels name."""
    router = re.compile(r"traefik\.http\.routers\.[^.]+\.entrypoints", re.IGNORECASE)
    return sorted({value for label, value in _labels(remote, container).items() if router.fullmatch(label)})
