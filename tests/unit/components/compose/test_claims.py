from typing import Any

import pytest

from components.compose.claims import missing, taken
from components.compose.present import Named, Present
from components.docker_app.listed_container import ListedContainer
from tests.support.compose_files import read

TEXT = """\
services:
  web:
    image: IMAGE
    networks: [proxy, default]
    labels:
      traefik.enable: "true"
      traefik.http.routers.shop.rule: Host(`shop.example.org`)
      traefik.http.routers.shop.entrypoints: websecure
  database: {image: "postgres:17", volumes: ["data:/data"], ports: ["127.0.0.1:5432:5432"]}
volumes: {data: }
networks: {proxy: {external: true}}
"""
PROXY = {"proxy": Named(id="n1", name="proxy")}
ROUTER = {
    "traefik.http.routers.other.rule": "Host(`shop.example.org`)",
    "traefik.http.routers.other.entrypoints": "web,websecure",
}
OF_COMPOSE = {"com.docker.compose.project": "blog", "com.docker.compose.service": "database"}


def found(present: Present, *own: str) -> list[tuple[str, str]]:
    return list(taken(read(TEXT), present, identity="own-id", own=own, where="on ssh://deploy@host"))


def container(name: str = "stranger", **fields: Any) -> Present:
    return Present(containers=(ListedContainer(id="c1", name=name, **fields),), networks=PROXY)


@pytest.mark.parametrize(
    ("present", "expected"),
    [
        (container(labels=OF_COMPOSE), "The container 'stranger' on ssh://deploy@host is of a compose project blog"),
        (container("blog-database-1"), "The name blog-database-1 is taken by a container that this stack did not"),
        (container(published=(("0.0.0.0", 5432),)), "Port 5432 is held by a container that this stack did not create"),
        (container(labels=ROUTER), "The route Host(`shop.example.org`) is that of a container that this stack did"),
    ],
)
def test_a_container_of_somebody_else_in_the_way_is_named_with_the_way_out(present: Present, expected: str) -> None:
    ((id_, sentence),) = found(present)
    assert id_ == "c1"
    assert sentence.startswith(expected)
    assert "'docker stop stranger && docker rm stranger'" in sentence or "blog-database-1 && docker rm" in sentence
    assert found(present, "c1") == []


@pytest.mark.parametrize(
    "present",
    [
        container(),
        container("blog-database-1", labels={"gitlab-deploy.id": "own-id"}),
        container(published=(("0.0.0.0", 5433),)),
        container(labels=ROUTER, state="exited"),
        container(labels={**ROUTER, "traefik.http.routers.other.entrypoints": "web"}),
        container(labels=OF_COMPOSE | {"com.docker.compose.project": "other"}),
    ],
)
def test_what_is_not_in_the_way_is_left_alone(present: Present) -> None:
    assert found(present) == []


def test_networks_and_volumes_of_somebody_else_are_not_used() -> None:
    theirs = {"com.docker.compose.project": "other"}
    present = Present(
        networks={**PROXY, "blog_default": Named(id="n2", name="blog_default", labels=theirs)},
        volumes={"blog_data": Named(id="blog_data", name="blog_data")},
    )
    (network, volume) = found(present)
    assert network[0] == "n2"
    assert network[1].startswith(
        "The network blog_default exists on ssh://deploy@host and is not this stack's (compose"
    )
    assert volume[1].startswith("The volume blog_data exists on ssh://deploy@host and is not this stack's; set")
    assert found(present, "n2", "blog_data") == []
    own = {"gitlab-deploy.id": "own-id"}
    assert found(Present(volumes={"blog_data": Named(id="blog_data", name="blog_data", labels=own)})) == []


def test_what_is_said_to_be_there_has_to_be() -> None:
    (sentence,) = missing(read(TEXT), Present(), "on ssh://deploy@host")
    assert sentence.startswith(
        "There is no network 'proxy' on ssh://deploy@host, which compose.0.yml:11 says is there;"
    )
    assert list(missing(read(TEXT), Present(networks=PROXY), "")) == []
