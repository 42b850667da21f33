"""What a container is made of, from the blocks of the stack file, in the form that Docker and its provider take."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any, cast

import pulumi
import pulumi_docker as docker

from components.docker_app.labels import Route
from components.settings.app import App
from components.settings.docker_host import DockerHost


def health_command(app: App) -> tuple[str, ...]:
    """The command inside of the container that succeeds if it can serve; a path becomes a request by wget or curl."""
    if app.health.command:
        return app.health.command
    url = shlex.quote(f"http://127.0.0.1:{app.port}{app.health.path}")
    script = f"if command -v wget >/dev/null; then wget -q -O /dev/null {url}; else curl -fsS -o /dev/null {url}; fi"
    return "sh", "-c", script


def mebibytes(memory: str) -> int:
    """An amount of memory as Docker's provider takes it; the block's rule lets whole Mi and Gi through."""
    return int(memory[:-2]) * {"Mi": 1, "Gi": 1024}[memory[-2:]]


def environment(app: App) -> pulumi.Output[Mapping[str, str]]:
    """The variables of the container, marked as secret."""
    return pulumi.Output.secret(cast("Any", {**app.env, **app.secrets}))


def assignments(variables: Mapping[str, str]) -> list[str]:
    """NAME=VALUE, in an order that does not change."""
    return [f"{name}={value}" for name, value in sorted(variables.items())]


def uploads(files: Mapping[str, pulumi.Input[str]]) -> pulumi.Input[Sequence[docker.ContainerUploadArgsDict]]:
    """The files, marked as secret if the stack file has any of them encrypted; a diff shows them else."""
    found: list[docker.ContainerUploadArgsDict] = [
        {"file": path, "content": content} for path, content in sorted(files.items())
    ]
    return found if all(isinstance(content, str) for content in files.values()) else pulumi.Output.secret(found)


async def secret_values(app: App, target: DockerHost) -> tuple[str, ...]:
    """The values that are encrypted in the stack file, which nothing may show."""
    sealed = [*app.secrets.values(), *(text for text in target.files.values() if not isinstance(text, str))]
    return tuple(await pulumi.Output.all(*sealed).future() or ())


def route(app: App, target: DockerHost) -> Route | None:
    """The route to the container; None without a host name."""
    return (
        target.host
        and Route(
            name=target.name,
            host=target.host,
            port=app.serves,
            network=target.network,
            entry_point=target.entry_point,
            cert_resolver=target.cert_resolver,
        )
    ) or None
