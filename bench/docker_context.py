"""Docker and Compose over a context that reaches the sandbox's Docker host by ssh, as a team's job has them."""

import shutil
from collections.abc import Callable
from pathlib import Path

from bench.sample import plain_environment, quietly
from sandbox.instance import Instance
from sandbox.names import CACHE
from sandbox.toolchain.build import programs
from sandbox.toolchain.modules import COMPOSE


def environment(instance: Instance, folder: Path, project: str) -> dict[str, str]:
    """The variables for a project whose files are in the folder, logged in to the registry."""
    plugins = folder / "docker" / "cli-plugins"
    plugins.mkdir(parents=True)
    (plugins / "docker-compose").symlink_to(programs(COMPOSE, CACHE)["docker-compose"])
    (folder / "bin").mkdir()
    ssh = folder / "bin" / "ssh"
    ssh.write_text(f'#!/bin/sh\nexec {shutil.which("ssh")} -F {instance.docker.ssh_config} "$@"\n', encoding="utf-8")
    ssh.chmod(0o755)
    variables = plain_environment(instance.environment())
    del variables["DOCKER_HOST"]
    variables |= {
        "PATH": f"{folder / 'bin'}:{variables['PATH']}",
        "DOCKER_CONFIG": str(folder / "docker"),
        "COMPOSE_PROJECT_NAME": project,
    }
    user, password = instance.gitlab.credentials
    login = ["docker", "login", "--username", user, "--password-stdin", "registry.sandbox.test"]
    create = ["docker", "context", "create", "bench", "--docker", f"host={instance.docker.address}"]
    for command, stdin in ((create, ""), (["docker", "context", "use", "bench"], ""), (login, password)):
        quietly(command, cwd=folder, environment=variables, stdin=stdin)
    return variables


def context(instance: Instance, folder: Path, project: str) -> Callable[..., None]:
    """Runs docker for a project in the folder."""
    variables = environment(instance, folder, project)

    def docker(*arguments: str) -> None:
        quietly(["docker", *arguments], cwd=folder, environment=variables)

    return docker
