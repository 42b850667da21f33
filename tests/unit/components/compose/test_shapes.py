"""Files as public repositories deploy them from their pipelines: each works, or says in a sentence why not."""

from pathlib import Path

import pytest

from tests.support.compose_files import problems, read

SHAPES = Path(__file__).with_name("shapes")
CHECKOUT = {
    "common.yml": "services:\n  hardened: {cap_drop: [ALL], security_opt: [no-new-privileges]}\n",
    "db/migration/1.sql": "select 1;\n",
    "init.sql": "select 1;\n",
    "nginx/site.conf": "server {}\n",
    "php.ini": "a=b\n",
    "settings.ini": "a=b\n",
}
ENV = {"CI_REGISTRY_IMAGE": "registry.example.com/group/blog"}
WORKS: dict[str, tuple[dict[str, str], set[str]]] = {
    "api-and-pages": ({"API_KEY": "a"}, set()),
    "database-published": ({"PORT": "3000", "DB_PORT": "27017", "PASSWORD": "a"}, set()),
    "image-of-gitlab": ({}, set()),
    "linked": ({"MYSQL_ROOT_PASSWORD": "a"}, set()),
    "one-of-several-files": ({"TOKEN": "a"}, {"web"}),
    "two-routes-of-one-host": ({}, {"pages", "api"}),
    "watched": ({}, {"web"}),
    "with-its-own-traefik": ({}, {"web"}),
}
"""What the stack file says, and the services that are swapped."""
REFUSED = {
    "built-on-the-server": ["services.app is built, and nothing", "services.proxy is built, and nothing"],
    "graphics-card": ["deploy.resources.reservations.devices is nothing that is tried here; run that service with"],
    "migration-of-the-checkout": [
        "services.db.environment.POSTGRES_PASSWORD takes $POSTGRES_PASSWORD, which is not set (Set it in .env); set",
        "services.migrate.environment.FLYWAY_PASSWORD takes $POSTGRES_PASSWORD, which is not set; set",
        "services.api.image takes $API_IMAGE, which is not set (Set it to the image in your registry); write 'image: I",
    ],
    "nginx-in-front": [
        "services.app.env_file.0 names './envs/prod.env', which is not in the checkout; set its variables as",
        "services.db.env_file.0 names './envs/prod.env', which is not in the checkout; set its variables as",
        "services.nginx.volumes.0 mounts the folder './nginx' of the checkout to be written to, which the Docker host",
    ],
    "on-the-host-itself": [
        "services.agent.volumes.2 mounts '~/.config' of somebody's home; use a named volume for data, or an absolute",
        "services.through.network_mode ties two containers together; put both on one network",
    ],
    "proxy-with-companion": ["services.companion.volumes_from ties two containers together; name the volumes in both"],
    "written-for-a-swarm": [
        "services.reports.environment.0 takes $REPORTS_STORE, which is not set (Place the store of"
    ],
}


def text(shape: str) -> str:
    return (SHAPES / f"{shape}.yml").read_text()


def test_every_shape_works_or_is_refused() -> None:
    assert {file.stem for file in SHAPES.iterdir()} == WORKS.keys() | REFUSED.keys()


@pytest.mark.parametrize("shape", WORKS)
def test_a_shape_works_as_it_is_with_its_variables_in_the_stack_file(shape: str) -> None:
    env, swapped = WORKS[shape]
    project = read(text(shape), env=ENV | env, files=CHECKOUT)
    assert {name for name, service in project.services.items() if service.is_swapped} == swapped


@pytest.mark.parametrize("shape", REFUSED)
def test_a_shape_is_refused_with_a_sentence_for_each_line(shape: str) -> None:
    found = problems(text(shape), env=ENV, files=CHECKOUT)
    assert len(found) == len(REFUSED[shape]), found
    for problem, expected in zip(found, REFUSED[shape], strict=True):
        assert expected in problem


def test_what_is_left_of_a_shape_once_its_variables_are_set() -> None:
    assert [
        problem.partition(" ")[2]
        for problem in problems(text("written-for-a-swarm"), env=ENV | {"REPORTS_STORE": "a"}, files=CHECKOUT)
    ] == [
        "services.reports.deploy.replicas is not 1; write a service for each container: here a service is one",
        "networks.net.driver is overlay, which only a swarm has; take it out: bridge is what one host needs",
    ]
    migration = problems(
        text("migration-of-the-checkout"),
        env=ENV | {"POSTGRES_PASSWORD": "a", "API_IMAGE": "registry.example.com/group/blog:2"},
        files=CHECKOUT,
    )
    assert len(migration) == 1
    assert "services.migrate.volumes.0 mounts the folder './db/migration' of the checkout to be written" in migration[0]
