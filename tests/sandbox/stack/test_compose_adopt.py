"""A project that docker compose made on the Docker host, and that a stack takes over while it serves."""

import os
from pathlib import Path
from typing import Any

from sandbox.hosts.docker_host import DOCKER
from sandbox.instance import Instance
from tests.support.cluster import REPOSITORY
from tests.support.compose_stack import ComposeStack, loaded, publish_others
from tests.support.ops_command import ops


def ids(services: dict[str, Any]) -> dict[str, str]:
    return {name: container["Id"] for name, container in services.items()}


def test_a_project_that_compose_made_is_taken_over_while_it_serves(
    instance: Instance, images: dict[str, str], tmp_path: Path
) -> None:
    assert images
    other = publish_others(instance)
    stack = ComposeStack(instance, tmp_path, os.environ | instance.environment(), other, "legacy")
    file = stack.project.folder / "docker-compose.yml"
    # As the recipe has it: with the image in place of the word.
    rendered = file.read_text().replace("image: IMAGE", f"image: {REPOSITORY}:1.0.0")
    (tmp_path / "docker-compose.yml").write_text(rendered)
    (tmp_path / "redis.conf").write_text((stack.project.folder / "redis.conf").read_text())
    variables = {
        "DATABASE_IMAGE": other,
        "CACHE_IMAGE": other,
        "DATABASE_PASSWORD": "canary-7b1de0c2",
        "DATABASE_CHECK": "wget -q -O /dev/null http://127.0.0.1:8080/passwd",
    }
    login = ("--config", "/run/old-pipeline")
    user, password = instance.gitlab.credentials
    stack.on_host(*DOCKER, *login, "login", "--username", user, "--password", password, "registry.sandbox.test")
    for image in (f"{REPOSITORY}:1.0.0", other):
        stack.on_host(*DOCKER, *login, "pull", image)
    stack.compose("--file", str(tmp_path / "docker-compose.yml"), "up", "--detach", "--pull", "never", **variables)
    before = stack.services()
    data = before["database"]["Mounts"][0]["Name"]
    assert data == "legacy_data"

    refused = stack.project.pulumi("up", "--yes", "--skip-preview")
    assert refused.code != 0
    assert "is of a compose project legacy that this stack did not create" in refused.text
    assert "run 'python -m ops adopt --stack legacy'" in refused.text
    assert ids(stack.services()) == ids(before)

    with loaded(stack) as load:
        adopted = ops(stack.project, "adopt", "--stack", "legacy", "--yes")
        assert adopted.code == 0, adopted.text
    assert load.failed == []
    assert stack.summary() == {}
    after = stack.services()
    assert after["database"]["Mounts"][0]["Name"] == data
    assert not ids(after).items() & ids(before).items()
    with loaded(stack) as load:
        stack.deploy("2.0.0")
    assert load.failed == []
    assert stack.services()["database"]["Id"] == after["database"]["Id"]
    stack.destroy()
    assert stack.services() == {}
    assert data in stack.on_host(*DOCKER, "volume", "ls", "--quiet").split()


RECIPE = """\
version: "3"
services:
  web:
    image: IMAGE
    restart: always
    networks: [traefik]
    labels:
      - traefik.enable=true
      - traefik.http.routers.recipe.rule=Host(`recipe.example.org`)
      - traefik.http.routers.recipe.entrypoints=websecure
      - traefik.http.routers.recipe.tls=true
networks:
  traefik:
    external: true
"""


def test_the_file_of_the_recipe_works_unchanged_and_without_a_gap(
    instance: Instance, images: dict[str, str], tmp_path: Path
) -> None:
    assert images
    stack = ComposeStack(instance, tmp_path, os.environ | instance.environment(), "", "recipe")
    (stack.project.folder / "docker-compose.yml").write_text(RECIPE)
    run = stack.up()
    assert "it is taken to serve once it listens on port 8080" in run.text
    with loaded(stack, "/version.txt") as load:
        for version in ("2.0.0", "1.0.0"):
            stack.deploy(version)
    assert load.failed == []
    stack.up("--expect-no-changes", "--refresh")
    stack.destroy()
