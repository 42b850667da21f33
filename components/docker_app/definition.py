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

_MARK = "/dev/shm/gitlab-deploy-healthy"  # noqa: S108 - of the container, which Docker makes for it alone
"""File in the container that says that it has been healthy; gone when it starts again."""
_ASK_SECONDS = 5


def health_command(app: App) -> tuple[str, ...]:
    """The command inside of the container that succeeds if it can serve; a path becomes a request by wget or curl."""
    return app.health.command or ("sh", "-c", _request(app))


def health_check(app: App, seconds: int) -> dict[str, Any]:
    """When Docker looks whether the container is healthy: at once while it starts, every so many seconds later on.

    A command is run every two seconds. A path is asked for by a script, which waits in the container once it has been
    healthy: another look costs Docker as much CPU as a start of a process does, 50 ms and more, and waiting costs none.
    (Docker 25 and newer know `start_interval`; with an older one a state with it would change at every refresh.) Three
    looks in a row have to fail until a proxy stops routing to the container.
    """
    if app.health.command:
        return {"tests": ["CMD", *app.health.command], "interval": "2s", "timeout": "5s", "retries": 5}
    wait = f"if test -e {_MARK}; then sleep {seconds}; fi"
    script = f"if {_request(app)}; then {wait}; : >{_MARK}; else {wait}; exit 1; fi"
    return {
        "tests": ["CMD", "sh", "-c", script],
        # The provider looks once a second: what gets healthy a moment after it has looked would cost a second.
        "interval": "500ms",
        "timeout": f"{seconds + _ASK_SECONDS}s",
        "retries": 3,
    }


def _request(app: App) -> str:
    # No limit to its time: some builds of busybox crash on wget's option for one.
    url = shlex.quote(f"http://127.0.0.1:{app.port}{app.health.path}")
    return f"if command -v wget >/dev/null; then wget -q -O /dev/null {url}; else curl -fsS -o /dev/null {url}; fi"


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
    if not target.host:
        return None
    return Route(
        name=target.name,
        hosts=target.route_hosts,
        path=target.path,
        port=app.serves,
        network=target.network,
        entry_point=target.entry_point,
        tls=target.tls,
        cert_resolver=target.cert_resolver,
        middlewares=target.middlewares,
        priority=target.priority,
        health_path=app.health_path,
        labels=target.labels,
    )


def mounts(target: DockerHost) -> list[dict[str, Any]]:
    """The named volumes and what is mounted of the host, in an order that does not change."""
    named = [{"container_path": path, "volume_name": volume} for path, volume in sorted(target.volumes.items())]
    of_host = [
        {
            "container_path": path,
            "host_path": host.removesuffix(":ro"),
            **({"read_only": True} if host.endswith(":ro") else {}),
        }
        for path, host in sorted(target.binds.items())
    ]
    return [*named, *of_host]
