"""Traefik in front of the containers: what it serves, to whom it listens, and what becomes of a wrong label."""

import ssl
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

import pytest

from sandbox.machine.probe import answers, fetch
from sandbox.machine.waiting import wait
from tests.support import proxied
from tests.support.docker_sandbox import LABELS, NOT_FOUND, SITE, UNHEALTHY, Sandbox, sandbox

ROUTER = "traefik.http.routers.blog"
OTHER = {
    "traefik.enable": "true",
    "traefik.docker.network": "web",
    "traefik.http.routers.other.rule": "Host(`other.example.org`)",
    "traefik.http.routers.other.entrypoints": "websecure",
    "traefik.http.routers.other.tls": "true",
    "traefik.http.services.other.loadbalancer.server.port": "8080",
}
"""Of another site."""


@contextmanager
def load(docker: Sandbox, rate: int = 25) -> Iterator[Counter[tuple[int, str]]]:
    """Ask the proxy `rate` times a second until the block ends; what it answers is counted."""
    answers: Counter[tuple[int, str]] = Counter()
    over = threading.Event()
    asking: list[threading.Thread] = []

    def once() -> None:
        answers[docker.get()] += 1

    def run() -> None:
        begun = time.monotonic()
        while not over.is_set():
            asking.append(threading.Thread(target=once))
            asking[-1].start()
            over.wait(begun + len(asking) / rate - time.monotonic())

    runner = threading.Thread(target=run)
    runner.start()
    try:
        yield answers
    finally:
        over.set()
        runner.join()
        for thread in asking:
            thread.join()


def routed(docker: Sandbox, *versions: str) -> None:
    """Wait until requests go to these versions, in turn."""
    wanted = {(200, version) for version in versions}
    assert wait(lambda: {docker.get() for _ in range(2 * len(versions))} == wanted, 20), docker.get()


def test_a_site_is_served_by_its_name_alone_over_tls_alone(docker: Sandbox) -> None:
    assert docker.get() == NOT_FOUND
    docker.run("one", "1.0.0")
    routed(docker, "1.0.0")
    assert docker.get(SITE.upper()) == (200, "1.0.0")
    assert docker.get("other.example.org") == NOT_FOUND
    # The other entry point is there, and has no site.
    assert answers(f"http://{docker.docker.proxy}/")
    with pytest.raises(OSError, match="404"):
        fetch(f"http://{docker.docker.proxy}/")


def test_the_certificate_is_signed_by_the_authority_of_the_sandbox(docker: Sandbox) -> None:
    url = f"https://{docker.docker.proxy}/"
    with pytest.raises(OSError, match=r"unable to get local issuer certificate|self.signed"):
        fetch(url, ssl.create_default_context())
    # A certificate is for names, and an address is none of them.
    with pytest.raises(OSError, match="IP address mismatch"):
        fetch(url, ssl.create_default_context(cafile=docker.docker.certificate.authority))
    assert docker.get("review-1.blog.example.org") == NOT_FOUND


def test_a_container_has_traffic_only_while_it_is_healthy(docker: Sandbox) -> None:
    docker.run("one", "1.0.0")
    routed(docker, "1.0.0")
    with load(docker) as answers:
        docker.run("two", "2.0.0", UNHEALTHY)
        docker.wait_for("two", "unhealthy")
        # One that is routed to is started later: what Traefik knows by then, it knew of the other one too.
        docker.run("three", "2.0.0", labels=OTHER)
        assert wait(lambda: docker.get("other.example.org") == (200, "2.0.0"), 20)
    assert set(answers) == {(200, "1.0.0")}
    assert answers.total() > 50


def test_containers_of_one_service_share_the_load(docker: Sandbox) -> None:
    docker.run("one", "1.0.0")
    docker.run("two", "2.0.0")
    routed(docker, "1.0.0", "2.0.0")
    assert Counter(docker.get() for _ in range(20)) == {(200, "1.0.0"): 10, (200, "2.0.0"): 10}


def test_no_request_fails_while_draining_containers_are_swapped(docker: Sandbox) -> None:
    docker.run("v0", "1.0.0")
    routed(docker, "1.0.0")
    with load(docker) as answers:
        for number in range(1, 5):
            docker.run(f"v{number}", ("1.0.0", "2.0.0")[number % 2])
            docker.wait_for(f"v{number}")
            docker.remove(f"v{number - 1}")
        routed(docker, "1.0.0")
    assert set(answers) == {(200, "1.0.0"), (200, "2.0.0")}
    assert answers.total() > 200


def test_a_connection_that_is_kept_outlives_changes_of_the_routes(docker: Sandbox) -> None:
    docker.run("one", "1.0.0")
    routed(docker, "1.0.0")
    kept = proxied.connect(docker.docker, SITE, timeout=20)
    assert kept.sock
    local = kept.sock.getsockname()
    assert proxied.read(kept) == (200, "1.0.0")
    docker.run("two", "2.0.0")
    docker.wait_for("two")
    docker.remove("one")
    routed(docker, "2.0.0")
    assert proxied.read(kept) == (200, "2.0.0")
    assert kept.sock.getsockname() == local
    kept.close()


def test_an_entry_point_that_does_not_exist_disables_the_router(docker: Sandbox) -> None:
    docker.run("one", "1.0.0", labels=LABELS | {f"{ROUTER}.entrypoints": "websecured"})
    assert wait(lambda: "EntryPoint doesn't exist" in docker.log("traefik"), 20)
    assert docker.get() == NOT_FOUND


def test_one_unknown_label_of_traefik_takes_the_container_out(docker: Sandbox) -> None:
    docker.run("one", "1.0.0", labels=LABELS | {"traefik.http.nonsense": "x"})
    assert wait(lambda: "nonsense" in docker.log("traefik"), 20)
    assert docker.get() == NOT_FOUND


def test_labels_that_differ_between_containers_take_the_route_out(docker: Sandbox) -> None:
    docker.run("one", "1.0.0")
    routed(docker, "1.0.0")
    docker.run("two", "2.0.0", labels=LABELS | {f"{ROUTER}.rule": "Host(`other.example.org`)"})
    assert wait(lambda: docker.get() == NOT_FOUND, 20)
    assert "defined multiple times with different configurations" in docker.log("traefik")
    docker.remove("two")
    routed(docker, "1.0.0")


def plain(docker: Sandbox, host: str) -> int:
    """Status of what the entry point web answers for a site."""
    connection = HTTPConnection(docker.docker.proxy, timeout=10)
    try:
        connection.request("GET", "/version.txt", headers={"Host": host})
        return connection.getresponse().status
    finally:
        connection.close()


def test_a_container_that_does_not_ask_for_a_route_has_none(docker: Sandbox) -> None:
    docker.run("silent", "1.0.0", labels={})
    docker.wait_for("silent")
    docker.run("other", "2.0.0", labels=OTHER)
    assert wait(lambda: docker.get("other.example.org") == (200, "2.0.0"), 20)
    assert plain(docker, "silent") == 404


def test_exposed_by_default_gives_every_container_a_route_unless_it_says_no(tmp_path: Path) -> None:
    with sandbox(tmp_path / "exposed", exposed_by_default=True) as docker:
        docker.cli("network", "create", "web")
        for version in docker.digests:
            docker.cli("pull", "--quiet", docker.image(version))
        docker.run("quiet", "1.0.0", labels={"traefik.enable": "false"})
        docker.wait_for("quiet")
        docker.run("silent", "1.0.0", labels={})
        # The default rule is Host(`NAME`), on every entry point and without TLS.
        assert wait(lambda: plain(docker, "silent") == 200, 20)
        assert plain(docker, "quiet") == 404
