"""Ten image changes by `pulumi up` on each target, the site being asked all the time: requests, and how many failed.

    eval "$(make -s env)"; .venv/bin/python bench/image_changes.py [--name sandbox]

Needs the sandbox to be up. The image drains: it serves for five seconds after SIGTERM; on the Docker host one that
stops at once is changed too. The Docker host's site is asked through Traefik over TLS, the cluster's at its Service,
each request on a connection of its own.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from sandbox.example import images as site  # noqa: E402 - found through the line above
from sandbox.instance import Instance  # noqa: E402
from tests.support.cluster import REPOSITORY, Deployed  # noqa: E402
from tests.support.docker_stack import DockerStack, Load  # noqa: E402

CHANGES = 10
RATE = 50
"""Requests a second."""
VERSIONS = ("1.0.0", "2.0.0")


def main() -> None:
    """Prints a line for each target."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--name", default="sandbox", help="which sandbox (default: sandbox)")
    instance = Instance(parser.parse_args().name)
    site.publish(instance.gitlab.registry, instance.gitlab.credentials)
    for version in VERSIONS:
        image = site.site(version, site.STOPS)
        image.push(instance.gitlab.registry, f"{site.REPOSITORY}:stops-{version}", instance.gitlab.credentials)
    environment = os.environ | instance.environment()
    with tempfile.TemporaryDirectory() as temporary:
        docker = DockerStack(instance, Path(temporary) / "docker", environment, "changes")
        docker.up()
        try:
            docker.wait_for(VERSIONS[0])
            measure("Docker host, Traefik, TLS", Load(instance, RATE), docker.deploy)
            docker.deploy(f"stops-{VERSIONS[0]}")
            stops = "Docker host, Traefik, TLS, an image that stops at once"
            measure(stops, Load(instance, RATE), lambda version: docker.deploy(f"stops-{version}"))
        finally:
            docker.destroy()
        cluster = Deployed(instance, Path(temporary) / "cluster", environment, "changes")

        def deploy(version: str) -> None:
            cluster.set("image", f"{REPOSITORY}:{version}")
            cluster.up()

        cluster.up()
        try:
            measure("Kubernetes, Service", Load(instance, RATE, cluster.address()), deploy)
        finally:
            cluster.destroy()


def measure(target: str, load: Load, deploy: Callable[[str], None]) -> None:
    """Prints what came of the requests during the changes."""
    ends = []
    with load:
        begun = [time.monotonic()]
        for number in range(CHANGES):
            deploy(VERSIONS[(number + 1) % 2])
            ends.append(time.monotonic())
            begun.append(ends[-1])
    seconds = [end - start for start, end in zip(begun, ends, strict=False)]
    print(
        f"{target}: {CHANGES} changes, {len(load.answers)} requests, {len(load.failed)} failed; "
        f"pulumi up {statistics.median(seconds):.1f} s (median; {min(seconds):.1f} to {max(seconds):.1f} s)",
        flush=True,
    )
    for number, (start, end) in enumerate(zip(begun, ends, strict=False), 1):
        failed = Counter(answer.body[:80] for answer in load.failed if start <= answer.asked < end)
        for body, count in failed.items():
            print(f"  change {number}, {end - start:.1f} s: {count} x {body!r}", flush=True)


if __name__ == "__main__":
    main()
