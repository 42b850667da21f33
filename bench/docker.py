"""One image change on the Docker host, beside `docker compose pull && up -d` over a context: time, and failed requests.

All deploy the same image, which serves for five seconds after SIGTERM, with the same health check, route and grace to
the same host. Compose stops the old container first, and does not wait for the new one's health; with `--wait` it does.
The flat program starts the new one first, and stops the old one once Docker calls the new one healthy.
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

from bench.contenders import FLAT_DOCKER, REPOSITORY, Flat, Ours, require_same_kinds
from bench.docker_context import environment
from bench.results import FLAT, OURS, Context
from bench.sample import Sample, measure
from components.docker_app.remote_docker import RemoteDocker
from sandbox.example import images as site
from tests.support.cluster import committed
from tests.support.counts import Servers
from tests.support.docker_stack import Load

VERSIONS = ("1.0.0", "2.0.0")
COMPOSE_UP, COMPOSE_WAIT = "compose pull && up -d", "compose pull && up -d --wait"
_SITES = {
    OURS: "pulumi.blog.example.org",
    FLAT: "flat.example.org",
    COMPOSE_UP: "compose.example.org",
    COMPOSE_WAIT: "waiting.example.org",
}
RATE = 25
"""Requests a second, each on a connection of its own."""


class Composed:
    """Deploys with Compose over a context that reaches the host by ssh."""

    def __init__(self, context: Context, name: str, host: str, *options: str) -> None:
        folder = context.folder / name
        self._folder, self._name, self._host, self._options = folder, name, host, options
        self._environment = environment(context.instance, folder, name)
        self._servers = Servers(context.instance)

    def choose(self, image: str) -> None:
        """Writes the compose file with another image."""
        (self._folder / "docker-compose.yml").write_text(json.dumps(self._file(image)), encoding="utf-8")

    def up(self) -> Sample:
        """Measures both commands."""
        options = " ".join(self._options)
        command = ["sh", "-ec", f"docker compose pull --quiet; docker compose up --detach {options}"]
        return measure(command, cwd=self._folder, environment=self._environment, servers=self._servers)

    def destroy(self) -> Sample:
        """Measures `docker compose down`."""
        command = ["docker", "compose", "down"]
        return measure(command, cwd=self._folder, environment=self._environment, servers=self._servers)

    def _file(self, image: str) -> Mapping[str, object]:
        router = f"traefik.http.routers.{self._name}"
        service = {
            "image": image,
            "restart": "always",
            "stop_grace_period": "30s",
            "labels": {
                "traefik.enable": "true",
                "traefik.docker.network": "traefik",
                f"{router}.rule": f"Host(`{self._host}`)",
                f"{router}.entrypoints": "websecure",
                f"{router}.tls": "true",
                f"traefik.http.services.{self._name}.loadbalancer.server.port": "8080",
            },
            "networks": ["traefik"],
            "healthcheck": {
                "test": ["CMD", "wget", "-q", "-O", "/dev/null", "http://127.0.0.1:8080/healthz"],
                "interval": "1s",
            },
        }
        return {"services": {"web": service}, "networks": {"traefik": {"external": True}}}


class Site(Ours):
    """The program of this project with the Docker host alone."""

    def __init__(self, context: Context, folder: Path) -> None:
        keys = committed()
        config = {key: keys[key] for key in ("gitlabProject", "image", "registry", "app", "dockerHost")}
        config["dockerHost"] |= {"address": context.instance.docker.address, "host": _SITES[OURS]}
        config |= {"gitlabUrl": context.instance.gitlab.url, "rollback": True}
        super().__init__(context.instance, folder, "bench", config)


def image_change(context: Context) -> None:
    """Previews of nothing, image changes in turn, and the requests that fail meanwhile."""
    ours = Site(context, context.folder / "ours")
    flat = _flat(context)
    contenders: dict[str, Site | Flat | Composed] = {
        OURS: ours,
        FLAT: flat,
        COMPOSE_UP: Composed(context, "compose", _SITES[COMPOSE_UP]),
        COMPOSE_WAIT: Composed(context, "waiting", _SITES[COMPOSE_WAIT], "--wait"),
    }
    try:
        for name, contender in contenders.items():
            # The second one is of no interest but for its image, which is on the host from then on.
            for version in VERSIONS:
                contender.choose(f"{REPOSITORY}:{version}")
                sample = contender.up()
                if version == VERSIONS[0]:
                    context.results.add("first up", name, sample)
        require_same_kinds(ours, flat, "docker:")
        for _ in context.rounds(share=0.15):
            context.results.add("preview of nothing", OURS, ours.preview())
        for number in context.rounds(share=0.6):
            for name, contender in contenders.items():
                contender.choose(f"{REPOSITORY}:{VERSIONS[number % 2]}")
                context.results.add("image-only up", name, contender.up())
        _under_load(context, contenders)
    finally:
        for name, contender in contenders.items():
            context.results.add("destroy", name, contender.destroy())


def _flat(context: Context) -> Flat:
    instance = context.instance
    user, password = instance.gitlab.credentials
    block = committed()["dockerHost"]
    remote = RemoteDocker(
        address=instance.docker.address, host_key=block["hostKey"], identity_file=block["identityFile"]
    )
    config = {
        "host": _SITES[FLAT],
        "address": remote.address,
        "options": json.dumps(remote.provider_options),
        "user": user,
        "password": password,
        "image": f"{REPOSITORY}:{VERSIONS[0]}",
    }
    return Flat(instance, context.folder / "flat", "bench", config, FLAT_DOCKER)


def _under_load(context: Context, contenders: Mapping[str, Site | Flat | Composed]) -> None:
    """Two changes of each, of an image that drains and of one that stops at once, while the site is asked."""
    gitlab = context.instance.gitlab
    for version in VERSIONS:
        stops = site.site(version, site.STOPS)
        stops.push(gitlab.registry, f"{site.REPOSITORY}:stops-{version}", gitlab.credentials)
    asked: dict[str, dict[str, int]] = {}

    def change(kind: str, prefix: str) -> None:
        for name, contender in contenders.items():

            def deploy(version: str, up: Callable[[], Sample] = contender.up, chosen: str = name) -> None:
                contenders[chosen].choose(f"{REPOSITORY}:{prefix}{version}")
                up()

            deploy(VERSIONS[0])
            with Load(context.instance, RATE, host=_SITES[name]) as load:
                for version in (VERSIONS[1], VERSIONS[0]):
                    deploy(version)
            asked[f"{name}: {kind}"] = {"requests": len(load.answers), "failed": len(load.failed)}

    change("an image that drains", "")
    change("an image that stops at once", "stops-")
    context.results.facts["requests during two changes"] = asked
