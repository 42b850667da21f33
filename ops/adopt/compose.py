"""A project that docker compose made: the stack replaces its containers, and uses its networks and volumes."""

import os
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from components.compose import claims
from components.compose.drift import left_behind
from components.compose.host import look
from components.compose.load import of_stack
from components.compose.model import Project
from components.compose.names import SERVICE_LABEL
from components.compose.present import Present
from components.docker_app.host_check import check_host
from components.docker_app.remote_docker import RemoteDocker, RemoteDockerError
from components.printable import printable
from components.settings.settings import Settings
from components.source.source_error import SourceError
from ops.ops_error import OpsError


@dataclass(frozen=True, kw_only=True)
class Found:
    """What there is."""

    ids: tuple[str, ...] = ()
    """Of what is taken over: ids of containers and networks, names of volumes."""
    lines: tuple[str, ...] = ()
    """What becomes of it, to be shown."""
    obstacles: tuple[str, ...] = ()
    """What stands in the way, each with the way out."""


def find(settings: Settings, own_id: str, known: Collection[str]) -> Found:
    """What of the stack's compose project exists; `known` are the ids in its state.

    OpsError if the files cannot be used or the host cannot be asked.
    """
    target = settings.docker_host
    try:
        project = of_stack(settings, Path.cwd(), os.environ)
    except SourceError as error:
        lines = "".join(f"\n  {problem}" for problem in error.problems)
        raise OpsError(f"The compose files have to be right before anything is taken over:{lines}") from None
    if target is None or project is None:
        return Found()
    check = check_host(target)
    if check.problem:
        raise OpsError(check.problem)
    remote = RemoteDocker.of(target)
    try:
        present = look(remote, check.containers or ())
    except RemoteDockerError as error:
        raise OpsError(f"{target.address} does not list its volumes: {printable(str(error))}; try again") from None
    return sort(project, present, own_id=own_id, known=known, where=f"on {target.address}")


def sort(project: Project, present: Present, *, own_id: str, known: Collection[str], where: str) -> Found:
    """What is taken over, and what is in the way. Pure."""
    ids, lines, obstacles = [], [], []
    taken = dict(claims.taken(project, present, identity=own_id, own=known, where=where))
    for container in present.containers:
        if container.id in taken and claims.is_of_project(project, container.labels):
            service = project.services[container.labels[SERVICE_LABEL]]
            how = "once it serves" if service.is_swapped else "which stops first"
            ids.append(container.id)
            lines.append(f"container {container.shown}; the stack's own of {service.name} takes its place, {how}")
            lines += left_behind(container, project)
    for kind, named in (("network", present.networks), ("volume", present.volumes)):
        for one in named.values():
            if one.id in taken and claims.is_of_project(project, one.labels):
                ids.append(one.id)
                lines.append(f"{kind} {printable(one.name)} of compose project {project.name}; the stack uses it")
    obstacles = [sentence for id_, sentence in taken.items() if id_ not in ids]
    return Found(ids=tuple(ids), lines=tuple(lines), obstacles=tuple(obstacles))
