"""The watcher that keeps Caddy's routes as the labels of the running containers say: `python -m sandbox.proxy`.

It runs in the Docker host. There, two Caddys stand in for Traefik. The one that has the routes is given new ones over
its admin API, and answers on a Unix socket. The one in front of it has the port and never changes: a Caddy (2.6) that
is given new routes closes idle connections and, on a TCP port, resets those that wait to be accepted.
"""

import json
import socket
import sys
import threading
import time
from http.client import HTTPConnection, HTTPException, HTTPResponse
from typing import Any
from urllib.parse import quote

from sandbox.hosts.traefik_labels import Container, Routing, inspected, translate

DOCKER = "/run/docker.sock"
ADMIN = "/run/caddy/admin.sock"
ROUTES = "/run/caddy/routes.sock"
THROTTLE = 2.0
"""Seconds after a change in which no other one is made: Traefik's providersThrottleDuration, at its default."""
TICK = 5.0
"""Seconds between two looks at what routes Caddy has: it may have been started anew, with none."""


def with_routes(routes: list[dict[str, Any]]) -> dict[str, Any]:
    """The configuration of the Caddy that has the routes."""
    return {**WITHOUT_ROUTES, "apps": {"http": {"servers": {"routes": _server(f"unix/{ROUTES}", routes)}}}}


WITHOUT_ROUTES = {
    "admin": {"listen": f"unix/{ADMIN}", "config": {"persist": False}},
    # At `info` there would be a line for every look at the routes.
    "logging": {"logs": {"default": {"level": "WARN"}}},
}
"""What that Caddy is started with: nobody listens yet."""


def entry(address: str) -> dict[str, Any]:
    """The configuration of the Caddy in front, which listens on port 80 of `address`."""
    onward = {
        "handler": "reverse_proxy",
        "upstreams": [{"dial": f"unix/{ROUTES}"}],
        # A connection kept might be one that the other Caddy closes as a request comes.
        "transport": {"protocol": "http", "keep_alive": {"enabled": False}},
    }
    servers = {"entry": _server(f"{address}:80", [{"handle": [onward]}])}
    return {"admin": {"disabled": True, "config": {"persist": False}}, "apps": {"http": {"servers": servers}}}


class Watcher:
    """Follows Docker's events and hands routes to Caddy."""

    def __init__(self) -> None:
        self._changed = threading.Event()
        self._routing: Routing | None = None
        self._complaints: dict[str, str] = {}

    def run(self) -> None:
        """Do so for ever; where Docker or Caddy is away, the routes stay until it is back."""
        threading.Thread(target=self._listen, daemon=True).start()
        while True:
            changed = self._changed.wait(TICK)
            self._changed.clear()
            try:
                if changed:
                    self._read()
                if self._routing:
                    self._apply(with_routes(self._routing.routes))
                self._complain("the routes stay as they are", "")
            except (OSError, HTTPException, ValueError) as error:
                self._complain("the routes stay as they are", str(error))
                if changed:
                    self._changed.set()
            time.sleep(THROTTLE if changed else 0)

    def _listen(self) -> None:
        """Note that something has changed whenever a container starts, ends, or is found healthy or not."""
        kinds = quote(json.dumps({"type": ["container"], "event": ["start", "die", "health_status"]}))
        while True:
            try:
                events = UnixConnection(DOCKER, timeout=None).ask("GET", f"/events?filters={kinds}")
                self._complain("Docker is away", "")
                self._changed.set()
                while events.readline():
                    self._changed.set()
                self._complain("Docker is away", "its events end")
            except (OSError, HTTPException, ValueError) as error:
                self._complain("Docker is away", str(error))
            time.sleep(1)

    def _read(self) -> None:
        """Read from Docker what containers run, and say how the routes change by that."""
        filters = quote(json.dumps({"label": ["traefik.enable"]}))
        running = json.load(UnixConnection(DOCKER).ask("GET", f"/containers/json?filters={filters}"))
        routing = translate(found for item in running if (found := _inspect(item["Id"])))
        before, self._routing = self._routing or Routing([], {}, []), routing
        for host in sorted(before.servers.keys() | routing.servers.keys()):
            old, new = before.servers.get(host, []), routing.servers.get(host, [])
            if old != new:
                _say(f"{host} -> {', '.join(new) or 'nobody'} (was {', '.join(old) or 'nobody'})")
        for problem in routing.problems:
            if problem not in before.problems:
                _say(problem)

    def _apply(self, wanted: dict[str, Any]) -> None:
        """Have Caddy use this configuration; it is told only where it has another."""
        if json.load(UnixConnection(ADMIN).ask("GET", "/config/")) != wanted:
            UnixConnection(ADMIN).ask("POST", "/load", json.dumps(wanted)).read()

    def _complain(self, what: str, why: str) -> None:
        """Say what is wrong, once for as long as it lasts; an empty `why` is the end of it."""
        before, self._complaints[what] = self._complaints.get(what, ""), why
        if bool(why) != bool(before):
            _say(f"{what}: {why}" if why else f"no longer: {what}")


class UnixConnection(HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: str, timeout: float | None = 10) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        """As HTTPConnection does for a name and a port."""
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)

    def ask(self, method: str, path: str, body: str | None = None) -> HTTPResponse:
        """Make a request; ValueError, with what is answered, where it is refused."""
        # Caddy's admin API wants the name to be empty on a Unix socket; Docker does not mind.
        self.request(method, path, body, {"Host": "", "Content-Type": "application/json"})
        response = self.getresponse()
        if response.status >= 400:
            raise ValueError(f"{self._path} answers {response.status} to {method} {path}: {response.read().decode()}")
        return response


def _inspect(container: str) -> Container | None:
    """The container with this id; None where it has gone by now."""
    try:
        return inspected(json.load(UnixConnection(DOCKER).ask("GET", f"/containers/{container}/json")))
    except ValueError:
        return None


def _server(listen: str, routes: list[dict[str, Any]]) -> dict[str, Any]:
    return {"listen": [listen], "automatic_https": {"disable": True}, "routes": routes}


def _say(line: str) -> None:
    print(time.strftime("%Y-%m-%dT%H:%M:%S"), line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    Watcher().run()
