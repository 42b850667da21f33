from typing import Any

import pytest

from components.settings.docker_host import DockerHost
from tests.support.docker_double import HOST_KEY


def block(**keys: Any) -> DockerHost:
    return DockerHost(address="ssh://deploy@host", host_key=HOST_KEY, **{"host": "a.example.org", **keys})


def test_route_has_its_host_first_and_further_ones() -> None:
    assert block(hosts=("b.example.org",)).route_hosts == ("a.example.org", "b.example.org")
    assert block(host=None).route_hosts == ()


def test_networks_are_the_proxys_with_a_route_and_further_ones() -> None:
    assert block(network="proxy", networks=("backend",)).joined == ("proxy", "backend")
    assert block(host=None, networks=("backend",)).joined == ("backend",)


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        ({"host": None, "hosts": ("b.example.org",)}, "hosts belongs to a route"),
        ({"host": None, "tls": False}, "tls belongs to a route"),
        ({"tls": False, "cert_resolver": "le"}, "cert_resolver stands beside 'tls: false'"),
        ({"middlewares": ("auth",)}, "middlewares names a middleware with no provider"),
        ({"capabilities": ("ALL",)}, "'ALL' is not a capability"),
        ({"capabilities": ("CAP_CHOWN",)}, "'CAP_CHOWN' is not a capability"),
        ({"binds": {"/data": "relative"}}, "'relative' is not a path of the Docker host"),
        ({"binds": {"/data": "/srv/../etc"}}, "is not a path of the Docker host"),
        ({"user": "root user"}, "'root user' is not a user"),
        ({"proxy": "192.0.2.1"}, "'192.0.2.1' is not the address of a server"),
    ],
)
def test_what_docker_or_traefik_would_refuse_is_refused(keys: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        block(**keys)


def test_middleware_may_be_one_that_labels_define() -> None:
    own = {"traefik.http.middlewares.auth.basicauth.users": "me:x"}
    assert block(middlewares=("auth", "gzip@file"), labels=own).middlewares == ("auth", "gzip@file")


@pytest.mark.parametrize(
    "label",
    [
        "traefik.http.middlewares.a.nonsense",
        "traefik.http.middlewares.a.basicauth.user",
        "traefik.http.middlewares.a.headers.customresponseheader.X-A",
        "traefik.http.routers.a.rule",
        "traefik.enable",
        "Traefik.http.services.a.loadbalancer.server.port",
        "traefik.http.nonsense",
        "gitlab-deploy.id",
        "com.docker.compose.project",
    ],
)
def test_label_that_traefik_does_not_know_or_the_stack_sets_itself_is_refused(label: str) -> None:
    with pytest.raises(ValueError, match="is not a label that this key takes"):
        block(labels={label: "x"})


@pytest.mark.parametrize(
    "label",
    [
        "traefik.http.middlewares.a.compress",
        "traefik.http.middlewares.a.basicAuth.users",
        "traefik.http.middlewares.a.headers.customResponseHeaders.X-Robots-Tag",
        "traefik.http.middlewares.a.stripprefix.prefixes",
        "traefik.http.middlewares.a.forwardauth.tls.insecureskipverify",
        "traefik.http.middlewares.a.ratelimit.sourcecriterion.ipstrategy.depth",
        "com.example.team",
    ],
)
def test_label_of_a_middleware_or_of_anybody_else_is_taken(label: str) -> None:
    assert label in block(labels={label: "x"}).labels
