"""The example of a compose file on the sandbox's Docker host."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sandbox.example import images as site
from sandbox.hosts.docker_host import DOCKER
from sandbox.instance import Instance
from sandbox.machine.waiting import wait
from sandbox.names import CACHE
from sandbox.toolchain.build import programs
from sandbox.toolchain.images import build as build_image
from sandbox.toolchain.modules import COMPOSE
from tests.support.docker_stack import DockerStack, Load
from tests.support.project import ROOT
from tests.support.proxied import ask

EXAMPLE = ROOT / "examples" / "compose"
HOST = "shop.example.org"
ENTRYPOINT = """\
ENTRYPOINT ["/usr/bin/caddy", "file-server", "--listen", ":8080", "--root", "/etc", "--browse"]
"""


def publish_others(instance: Instance, repository: str = site.REPOSITORY) -> str:
    """Has the image that stands for a database and a cache in a project's registry; its reference."""
    gitlab = instance.gitlab
    files = site.server_files()
    image = build_image(
        f"{site.SERVER}{ENTRYPOINT}",
        files,
    )
    image.push(gitlab.registry, f"{repository}/other:1", gitlab.credentials)
    return f"registry.sandbox.test/{repository}/other:1"


class ComposeStack(DockerStack):
    """The stack `sandbox` with compose files in the program's folder."""

    def __init__(
        self,
        instance: Instance,
        folder: Path,
        environment: Mapping[str, str],
        other: str,
        name: str = "shop",
        **changes: Any,
    ) -> None:
        """`other` is the image of the database and the cache; `changes` are to the block dockerHost.

        The site's name is that of the stack, as is the project's.
        """
        super().__init__(instance, folder, environment, name)
        self.host = f"{name}.example.org"
        for file in EXAMPLE.iterdir():
            if file.is_file():
                (self.project.folder / file.name).write_bytes(file.read_bytes())
        self.change_file(HOST, self.host)

        def compose(config: dict[str, Any]) -> None:
            block = config["gitlab-deploy:dockerHost"]
            kept = {key: block[key] for key in ("address", "hostKey", "identityFile")}
            config["gitlab-deploy:dockerHost"] = {
                **kept,
                "compose": ["docker-compose.yml"],
                "project": name,
                **changes,
            }
            check = "wget -q -O /dev/null http://127.0.0.1:8080/passwd"
            env = {"DATABASE_IMAGE": other, "CACHE_IMAGE": other, "DATABASE_CHECK": check}
            config["gitlab-deploy:app"] = {"env": env}

        self.edit(compose)
        command = ("config", "set", "--secret", "--path", "gitlab-deploy:app.secrets.DATABASE_PASSWORD")
        kept = self.project.pulumi(*command, stdin="canary-7b1de0c2")
        assert kept.code == 0, kept.text

    def change_file(self, old: str, new: str) -> None:
        """Changes a text in the compose file."""
        file = self.project.folder / "docker-compose.yml"
        text = file.read_text()
        assert old in text, old
        file.write_text(text.replace(old, new))

    def compose(self, *arguments: str, **environment: str) -> str:
        """What docker compose prints, run on the Docker host for the stack's project."""
        assignments = {"DOCKER_HOST": "unix:///run/docker.sock", "HOME": "/run", **environment}
        program = programs(COMPOSE, CACHE)["docker-compose"]
        given = [f"{name}={value}" for name, value in assignments.items()]
        return self.on_host("env", *given, program, "--project-name", self.project.stack, *arguments)

    def services(self) -> dict[str, Any]:
        """What Docker says of the project's containers, by service; fails if a service has two."""
        label = f"label=com.docker.compose.project={self.project.stack}"
        names = self.on_host(*DOCKER, "ps", "--all", "--filter", label, "--format", "{{.Names}}").split()
        found: dict[str, Any] = {}
        for container in json.loads(self.on_host(*DOCKER, "inspect", *names)) if names else ():
            service = container["Config"]["Labels"]["com.docker.compose.service"]
            assert service not in found, names
            found[service] = container
        return found


def loaded(stack: ComposeStack, path: str = "/shop/version.txt") -> Load:
    """Requests to the site of a stack, which answers."""
    assert wait(lambda: ask(stack.instance.docker, stack.host, path).status == 200, 30)
    return Load(stack.instance, host=stack.host, path=path)
