"""A sandbox of three hosts for the tests: the switch, the Docker host, and one with a registry that has the site."""

import json
import os
import socket
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from sandbox.example import images as site
from sandbox.hosts import registry
from sandbox.hosts.docker_host import DockerHost
from sandbox.machine import cgroups, claim
from sandbox.machine.files import locked, write
from sandbox.machine.host import Host
from sandbox.machine.network import Network, connect, disconnect
from sandbox.machine.state import State
from sandbox.machine.waiting import run_parallel, wait
from sandbox.names import REGISTRY
from tests.support import proxied

SITE = "blog.example.org"
HEALTHY = ("wget", "-q", "-O", "/dev/null", "http://127.0.0.1:8080/healthz")
NOT_FOUND = (404, "404 page not found")
"""What Traefik says if it has no router for a name."""
UNHEALTHY = ("wget", "-q", "-O", "/dev/null", "http://127.0.0.1:9/")
LABELS = {
    "traefik.enable": "true",
    "traefik.docker.network": "web",
    "traefik.http.routers.blog.rule": f"Host(`{SITE}`)",
    "traefik.http.routers.blog.entrypoints": "websecure",
    "traefik.http.routers.blog.tls": "true",
    "traefik.http.routers.blog.middlewares": "blog-retry",
    "traefik.http.services.blog.loadbalancer.server.port": "8080",
    "traefik.http.middlewares.blog-retry.retry.attempts": "4",
}


@dataclass
class Sandbox:
    folder: Path
    state: State
    network: Network
    exposed_by_default: bool = False
    digests: dict[str, str] = field(default_factory=dict)
    """Of the site, by version."""

    def __post_init__(self) -> None:
        self.lan, self.host, self.gitlab = (Host(name, self.folder, self.state) for name in ("lan", "docker", "gitlab"))
        self.docker = DockerHost(self.host, self.network, exposed_by_default=self.exposed_by_default)

    def start(self) -> None:
        hosts = (self.lan, self.host, self.gitlab)
        run_parallel(*(host.start for host in hosts))
        connect(self.network, self.lan, [self.host, self.gitlab])
        run_parallel(self.docker.start, self._start_registry)

    def _start_registry(self) -> None:
        registry.start(self.gitlab, self.network)
        self.digests = site.publish(f"{self.network.address('registry')}:80")

    def ssh(self, *command: str, options: Sequence[str] = (), user: str = "") -> subprocess.CompletedProcess[str]:
        """Run a command on the Docker host as a deployment would."""
        login = ["-l", user] if user else []
        return subprocess.run(
            ["ssh", "-F", self.docker.ssh_config, *options, *login, self.network.address("docker"), *command],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    def cli(self, *arguments: str) -> str:
        """Run the docker CLI on this machine against the Docker host, over ssh."""
        folder = self.folder / "bin"
        wrapper = folder / "ssh"
        if not wrapper.exists():
            write(wrapper, f'#!/bin/sh\nexec /usr/bin/ssh -F {self.docker.ssh_config} "$@"\n', 0o700)
        environment = {
            "PATH": f"{folder}:{os.environ['PATH']}",
            "HOME": str(self.folder),
            "DOCKER_HOST": self.docker.address,
        }
        done = subprocess.run(
            ["/usr/bin/docker", *arguments], env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def api(self, method: str, path: str, body: object = None) -> Any:
        """Ask dockerd itself: a healthcheck without a shell is nothing that the CLI can ask for."""
        connection = HTTPConnection("localhost", timeout=60)
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.connect(f"/proc/{self.host.init.pid}/root/run/docker.sock")
        try:
            connection.request(method, path, json.dumps(body) if body else None, {"Content-Type": "application/json"})
            response = connection.getresponse()
            answer = response.read()
        finally:
            connection.close()
        assert response.status < 400, answer
        return json.loads(answer) if answer else None

    def image(self, version: str) -> str:
        return f"{REGISTRY}/{site.REPOSITORY}@{self.digests[version]}"

    def run(self, name: str, version: str, check: Sequence[str] = HEALTHY, labels: Mapping[str, str] = LABELS) -> None:
        """Start the site as a deployment would; `check` is what tells whether it is healthy."""
        container = {
            "Image": self.image(version),
            "Labels": dict(labels),
            "Healthcheck": {"Test": ["CMD", *check], "Interval": 10**9, "Timeout": 60 * 10**9, "Retries": 2},
            "HostConfig": {
                "NetworkMode": "web",
                "RestartPolicy": {"Name": "always"},
                "ReadonlyRootfs": True,
                "CapDrop": ["ALL"],
                "SecurityOpt": ["no-new-privileges"],
            },
        }
        self.api("POST", f"/containers/create?name={name}", container)
        self.api("POST", f"/containers/{name}/start")

    def health(self, name: str) -> str:
        return str(self.api("GET", f"/containers/{name}/json")["State"]["Health"]["Status"])

    def wait_for(self, name: str, health: str = "healthy") -> None:
        assert wait(lambda: self.health(name) == health, 120), f"{name} is {self.health(name)}, not {health}"

    def remove(self, name: str) -> None:
        self.api("POST", f"/containers/{name}/stop?t=10")
        self.api("DELETE", f"/containers/{name}")

    def remove_all(self) -> None:
        for container in self.api("GET", "/containers/json?all=true"):
            self.api("DELETE", f"/containers/{container['Id']}?force=true")
        # What is sent to an address that was just given up hangs, with Traefik too.
        assert wait(lambda: self.get(timeout=1) == NOT_FOUND, 120), self.get()

    def get(self, host: str = SITE, timeout: float = 20) -> tuple[int, str]:
        """Ask the proxy, on a connection of its own."""
        answer = proxied.ask(self.docker, host, timeout=timeout)
        return answer.status, answer.body

    def serves(self, version: str) -> bool:
        return self.get() == (200, version)

    def log(self, service: str) -> str:
        return (self.folder / "log" / f"{service}.log").read_text()


@contextmanager
def sandbox(folder: Path, *, exposed_by_default: bool = False) -> Iterator[Sandbox]:
    """Run one in `folder`, with a number of its own, until the block ends."""
    with locked(folder):
        network = Network(claim.claim(folder, None))
        made = Sandbox(folder, State(folder / "state.json"), network, exposed_by_default)
        try:
            made.start()
            yield made
        finally:
            run_parallel(made.lan.stop, made.host.stop, made.gitlab.stop)
            disconnect(made.network)
            assert wait(partial(cgroups.remove, made.network.cgroup), 60), cgroups.remaining(made.network.cgroup)
            claim.release(folder)
