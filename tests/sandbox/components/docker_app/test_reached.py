"""The routers of containers that follow each other, at the real proxy."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from http.client import HTTPConnection
from typing import Any

import pytest

from components.docker_app.entrance import Entrance
from components.docker_app.labels import Route, labels
from components.docker_app.reached import Reach
from components.docker_app.remote_docker import RemoteDocker
from components.docker_app.swap import LEVELS, Generation
from sandbox.machine.waiting import wait
from tests.sandbox.hosts.test_proxy import load
from tests.support.docker_sandbox import SITE, Sandbox

ROUTE = Route(name="blog", hosts=(SITE,), port=8080, network="web", entry_point="websecure", health_path="/healthz")


def reach(remote: RemoteDocker, token: str, route: Route = ROUTE) -> str | None:
    return Reach(
        entrances=[Entrance(host=route.hosts[0], tls=route.tls)],
        token=token,
        entry_points=[route.entry_point],
        middlewares=route.middlewares,
        cert_resolver=route.cert_resolver,
        at=f"its port {route.port}",
        remedy="have the application listen on 0.0.0.0",
        seconds=30,
    ).problem(remote)


def run(docker: Sandbox, route: Route, **generation: Any) -> Generation:
    made = Generation(**generation)
    docker.run(made.token, "1.0.0", labels=labels("owner", route, made))
    docker.wait_for(made.token)
    return made


def test_each_container_takes_all_requests_once_it_is_reached(docker: Sandbox, remote: RemoteDocker) -> None:
    before = ""
    with load(docker) as answers:
        # Priorities start over on the way.
        for number in range(LEVELS - 2, LEVELS + 2):
            version = ("1.0.0", "2.0.0")[number % 2]
            generation = Generation(number=number, token=f"t{number}", before=before)
            docker.run(generation.token, version, labels=labels("owner", ROUTE, generation))
            docker.wait_for(generation.token)
            assert reach(remote, generation.token) is None
            if not before:
                answers.clear()
            assert {docker.get() for _ in range(20)} == {(200, version)}
            if before:
                docker.remove(before)
            before = generation.token
    assert set(answers) == {(200, "1.0.0"), (200, "2.0.0")}


def test_route_that_the_proxy_does_not_know_leaves_the_one_before_alone(docker: Sandbox, remote: RemoteDocker) -> None:
    run(docker, ROUTE, number=1, token="one")
    assert reach(remote, "one") is None
    for token, route in (
        ("point", replace(ROUTE, entry_point="websecured")),
        ("middleware", replace(ROUTE, middlewares=("nobody@file",))),
        ("label", replace(ROUTE, labels={"traefik.http.nonsense": "x"})),
    ):
        with load(docker) as answers:
            run(docker, route, number=2, token=token, before="one")
            assert "does not route blog.example.org to it (it answers with status 404)" in (
                reach(remote, token, route) or ""
            )
        assert set(answers) == {(200, "1.0.0")}
        docker.remove(token)


def test_certificate_resolver_that_the_proxy_does_not_know_is_seen(docker: Sandbox, remote: RemoteDocker) -> None:
    run(docker, ROUTE, number=1, token="one")
    assert reach(remote, "one") is None
    # The sandbox's proxy has a certificate of its own for the names of its sites, and makes one up for any other.
    route = replace(ROUTE, hosts=("blog.example.net",), cert_resolver="nobody")
    run(docker, route, number=2, token="two")
    assert "whether it knows the certificate resolver 'nobody', and why that gets none" in (
        reach(remote, "two", route) or ""
    )
    assert docker.get() == (200, "1.0.0")


def test_application_that_listens_on_loopback_alone_is_not_reached(docker: Sandbox, remote: RemoteDocker) -> None:
    original = docker.api

    def on_loopback(method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        command = ["/usr/bin/caddy", "file-server", "--root", "/srv", "--listen", "127.0.0.1:8080"]
        changed = {**body, "Entrypoint": command} if body else None
        return original(method, path, changed)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(docker, "api", on_loopback)
        run(docker, ROUTE, token="deaf")
    assert "gets no answer from its port 8080 (status 502)" in (reach(remote, "deaf") or "")


def test_route_without_tls_serves_a_path_of_several_hosts(docker: Sandbox, remote: RemoteDocker) -> None:
    other = "www.example.org"
    strip = {"traefik.http.middlewares.strip.stripprefix.prefixes": "/shop"}
    route = replace(
        ROUTE, hosts=(SITE, other), path="/shop", entry_point="web", tls=False, middlewares=("strip",), labels=strip
    )
    run(docker, route, token="plain")
    assert reach(remote, "plain", route) is None
    for host in (SITE, other):
        assert wait(partial(plain, docker, host, "/shop/version.txt", 200), 10)
        assert plain(docker, host, "/version.txt", 404)
    # Over TLS there is none.
    assert docker.get()[0] == 404


def plain(docker: Sandbox, host: str, path: str, status: int) -> bool:
    """Whether the entry point web answers so."""
    connection = HTTPConnection(docker.docker.proxy, timeout=10)
    try:
        connection.request("GET", path, headers={"Host": host})
        return connection.getresponse().status == status
    finally:
        connection.close()
