"""Ten image changes by `pulumi up` on each target, the site being asked all the time: requests, and how many failed.

The image drains: it serves for five seconds after SIGTERM; on the Docker host one that stops at once is changed too.
The Docker host's site is asked through Traefik over TLS, the cluster's at its Service, each request on a connection of
its own.
"""

from collections.abc import Callable

from bench.results import Context
from bench.sample import plain_environment
from sandbox.example import images as site
from tests.support.cluster import REPOSITORY, Deployed
from tests.support.docker_stack import DockerStack, Load

CHANGES = 10
RATE = 50
"""Requests a second."""
VERSIONS = ("1.0.0", "2.0.0")


def image_changes(context: Context) -> None:
    """Notes down what came of the requests on each target."""
    instance = context.instance
    for version in VERSIONS:
        image = site.site(version, site.STOPS)
        image.push(instance.gitlab.registry, f"{site.REPOSITORY}:stops-{version}", instance.gitlab.credentials)
    environment = plain_environment(instance.environment())
    docker = DockerStack(instance, context.folder / "docker", environment, "changes")
    docker.up()
    try:
        docker.wait_for(VERSIONS[0])
        _measure(context, "Docker host, Traefik, TLS", Load(instance, RATE), docker.deploy)
        docker.deploy(f"stops-{VERSIONS[0]}")
        stops = "Docker host, Traefik, TLS, an image that stops at once"
        _measure(context, stops, Load(instance, RATE), lambda version: docker.deploy(f"stops-{version}"))
    finally:
        docker.destroy()
    cluster = Deployed(instance, context.folder / "cluster", environment, "changes")

    def deploy(version: str) -> None:
        cluster.set("image", f"{REPOSITORY}:{version}")
        cluster.up()

    cluster.up()
    try:
        _measure(context, "Kubernetes, Service", Load(instance, RATE, cluster.address()), deploy)
    finally:
        cluster.destroy()


def _measure(context: Context, target: str, load: Load, deploy: Callable[[str], None]) -> None:
    with load:
        for number in range(CHANGES):
            deploy(VERSIONS[(number + 1) % 2])
    context.results.facts[target] = {
        "changes": {"made": CHANGES},
        "requests": {"sent": len(load.answers), "failed": len(load.failed)},
    }
