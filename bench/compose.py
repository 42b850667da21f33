"""One image change of a compose file: `pulumi up` against `docker compose pull && up -d` over a context, in turn.

    eval "$(make -s env)"; .venv/bin/python bench/compose.py [--name sandbox] [--rounds 5]

Needs the sandbox to be up; builds Compose v2, once. Both deploy the same file to the same host, and change its image
between two versions, while the site is asked for all the time: a file of one service behind Traefik, and one of twenty,
of which four run the image. Compose is asked as in the recipe: it waits for nothing.
"""

import argparse
import json
import os
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from bench.docker_context import context  # noqa: E402 - found through the line above
from sandbox.example import images as site  # noqa: E402
from sandbox.instance import Instance  # noqa: E402
from sandbox.machine.waiting import wait  # noqa: E402
from tests.support.cluster import REPOSITORY  # noqa: E402
from tests.support.compose_stack import publish_others  # noqa: E402
from tests.support.docker_stack import Load  # noqa: E402
from tests.support.project import Project  # noqa: E402
from tests.support.proxied import ask  # noqa: E402

OURS, THEIRS = "pulumi", "compose"
SERVICES = (1, 20)
SAME_IMAGE = 4
"""How many services of a large file run the image that changes."""
RATE = 25
"""Requests a second."""
QUIET_SECONDS = 4.0
"""Before each change. Traefik reads nothing new for two seconds after what it has read (providersThrottleDuration): no
change is to wait for what the one before has left."""


@dataclass(frozen=True, kw_only=True)
class Tool:
    """A way to deploy the file."""

    choose: Callable[[str], object]
    """Writes another version down."""
    up: Callable[[], None]
    """Deploys it, which is what is measured."""
    remove: Callable[[], None]
    """Takes all away."""


@dataclass
class Measured:
    """What the changes by one tool took, one after the other."""

    seconds: list[float] = field(default_factory=list)
    cpu_seconds: list[float] = field(default_factory=list)
    """Of the tool on this machine, with all it starts."""
    requests: int = 0
    failed: int = 0


def main() -> None:
    """Prints a line for each tool and file, and the ratio of the medians."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--name", default="sandbox", help="which sandbox (default: sandbox)")
    parser.add_argument("--rounds", type=int, default=5, help="changes by each tool (default: 5)")
    parser.add_argument("--services", type=int, nargs="+", default=SERVICES, help="sizes of the files (default: 1 20)")
    arguments = parser.parse_args()
    for services in arguments.services:
        found = measure(Instance(arguments.name), services=services, rounds=arguments.rounds)
        for tool, one in found.items():
            print(
                f"{services:2} services  {tool:7} {statistics.median(one.seconds):5.1f} s "
                f"(from {min(one.seconds):.1f} to {max(one.seconds):.1f} s), "
                f"{statistics.median(one.cpu_seconds):.1f} s of CPU, {one.failed} of {one.requests} requests failed",
                flush=True,
            )
        ours, theirs = (statistics.median(one.seconds) for one in found.values())
        print(f"{services:2} services  ratio {ours / theirs:.2f}", flush=True)


def measure(instance: Instance, *, services: int, rounds: int) -> Mapping[str, Measured]:
    """Changes the image of a file of so many services in turn by both tools; what that took, by tool, ours first."""
    site.publish(instance.gitlab.registry, instance.gitlab.credentials)
    other = publish_others(instance)
    with tempfile.TemporaryDirectory() as temporary:
        tools = {
            OURS: _pulumi(instance, Path(temporary, "pulumi"), services, other),
            THEIRS: _compose(instance, Path(temporary, "compose"), services, other),
        }
        found = {tool: Measured() for tool in tools}
        try:
            for name, tool in tools.items():
                tool.choose(site.VERSIONS[0])
                tool.up()
                _await(instance, name, site.VERSIONS[0])
            for number in range(rounds):
                for name, tool in tools.items():
                    version = site.VERSIONS[(number + 1) % 2]
                    tool.choose(version)
                    _change(instance, name, tool.up, version, found[name])
        finally:
            for tool in tools.values():
                tool.remove()
    return found


def _change(instance: Instance, tool: str, up: Callable[[], None], version: str, found: Measured) -> None:
    time.sleep(QUIET_SECONDS)
    with Load(instance, RATE, host=_host(tool)) as load:
        before, begun = _cpu(), time.monotonic()
        up()
        found.seconds.append(time.monotonic() - begun)
        found.cpu_seconds.append(_cpu() - before)
        # What fails may do so once the tool is done.
        _await(instance, tool, version)
    print(f"  {tool:7} {found.seconds[-1]:5.1f} s, {len(load.failed)} of {len(load.answers)} failed", flush=True)
    found.requests += len(load.answers)
    found.failed += len(load.failed)


def _await(instance: Instance, tool: str, version: str) -> None:
    if not wait(lambda: ask(instance.docker, _host(tool)).body == version, 60):
        sys.exit(f"{_host(tool)} does not answer with {version}")


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _host(tool: str) -> str:
    return f"{tool}-bench.example.org"


def _file(tool: str, services: int, image: str, other: str) -> dict[str, Any]:
    name = f"{tool}bench"
    router = f"traefik.http.routers.{name}"
    web = {
        "image": image,
        "restart": "always",
        "networks": ["traefik", "default"],
        "stop_grace_period": "30s",
        "labels": {
            "traefik.enable": "true",
            "traefik.docker.network": "traefik",
            f"{router}.rule": f"Host(`{_host(tool)}`)",
            f"{router}.entrypoints": "websecure",
            f"{router}.tls": "true",
            f"traefik.http.services.{name}.loadbalancer.server.port": "8080",
        },
        "healthcheck": {
            "test": ["CMD", "wget", "-q", "-O", "/dev/null", "http://127.0.0.1:8080/healthz"],
            "interval": "1s",
        },
    }
    found: dict[str, Any] = {"web": web}
    for number in range(1, services):
        found[f"s{number}"] = {"image": image if number < SAME_IMAGE else other, "restart": "always"}
    return {"services": found, "networks": {"traefik": {"external": True}}}


def _pulumi(instance: Instance, folder: Path, services: int, other: str) -> Tool:
    """Deploys from a stack that has the compose file alone."""
    (folder / "state").mkdir(parents=True)
    (folder / "program").mkdir()
    environment = {**os.environ, **instance.environment(), "PULUMI_BACKEND_URL": (folder / "state").as_uri()}
    project = Project(folder / "program", environment, stack="bench")
    committed = yaml.safe_load((ROOT / "Pulumi.sandbox.yaml").read_text())["config"]
    docker = committed["gitlab-deploy:dockerHost"]
    user, password = instance.gitlab.credentials
    config = {
        "gitlabProject": committed["gitlab-deploy:gitlabProject"],
        "gitlabUrl": instance.gitlab.url,
        # The same login as the other tool has, and no deploy token.
        "registry": {"server": "registry.sandbox.test", "username": user},
        "image": f"{REPOSITORY}:{site.VERSIONS[0]}",
        # From one version to the other and back is a rollback, every second time.
        "rollback": True,
        "dockerHost": {
            "address": instance.docker.address,
            "hostKey": docker["hostKey"],
            "identityFile": docker["identityFile"],
            "compose": ["docker-compose.yml"],
            "project": "ours",
        },
    }
    project.configure(config)
    (project.folder / "docker-compose.yml").write_text(json.dumps(_file(OURS, services, "IMAGE", other)))
    project.init()
    project.pulumi("config", "set", "--secret", "--path", "gitlab-deploy:registry.password", stdin=password)

    def run(command: str) -> None:
        done = project.pulumi(command, "--yes", "--skip-preview")
        if done.code:
            sys.exit(done.text)

    return Tool(
        choose=lambda version: project.pulumi("config", "set", "gitlab-deploy:image", f"{REPOSITORY}:{version}"),
        up=lambda: run("up"),
        remove=lambda: run("destroy"),
    )


def _compose(instance: Instance, folder: Path, services: int, other: str) -> Tool:
    """Deploys as the recipe has it."""
    docker = context(instance, folder, "theirs")
    names = list(_file(THEIRS, services, "", other)["services"])
    created: list[str] = []

    def in_parts(names: list[str], *command: str) -> None:
        # Each container takes a connection of its own, of which sshd drops some from ten on (MaxStartups).
        for start in range(0, len(names), 5):
            docker("compose", *command, *names[start : start + 5])

    def choose(version: str) -> None:
        file = _file(THEIRS, services, f"{REPOSITORY}:{version}", other)
        (folder / "docker-compose.yml").write_text(json.dumps(file))

    def up() -> None:
        docker("compose", "pull", "--quiet")
        new = [name for name in names if name not in created]
        in_parts(new, "up", "--detach")
        created.extend(new)
        docker("compose", "up", "--detach")

    def remove() -> None:
        in_parts(created, "rm", "--stop", "--force")
        docker("compose", "down")

    return Tool(choose=choose, up=up, remove=remove)


if __name__ == "__main__":
    main()
