"""Containers on the Docker host that stand where the stack's own would: replaced by it, and then stopped."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from components.docker_app.claims import taken
from components.docker_app.host_check import check_host
from components.docker_app.listed_container import ListedContainer
from components.docker_app.remote_docker import RemoteDocker
from components.docker_app.traefik_rules import takes_some
from components.printable import printable
from components.settings.docker_host import DockerHost
from ops.ops_error import OpsError

_RULE = re.compile(r"traefik\.http\.routers\.[^.]+\.rule", re.IGNORECASE)


def find(target: DockerHost, own_id: str) -> list[ListedContainer]:
    """The containers of somebody else that the preflight would refuse; OpsError if the host cannot be asked."""
    check = check_host(target)
    if check.problem:
        raise OpsError(check.problem)
    return [one for one in check.containers or () if taken(target, [one], identity=own_id, known=None)]


def inspect(target: DockerHost, containers: list[ListedContainer]) -> dict[str, Mapping[str, Any]]:
    """What Docker says of these containers, by name."""
    remote = RemoteDocker.of(target)
    return {one.name: remote.request("GET", f"/containers/{one.id}/json").json for one in containers}


def obstacles(target: DockerHost, inspected: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """What a container has and the stack's own would not, each with the way out. Pure."""
    for name, container in inspected.items():
        what = f"The container '{printable(name)}' on {target.address}"
        for mount in container.get("Mounts") or ():
            path = str(mount["Destination"])
            if target.volumes.get(path) != mount.get("Name") and path not in target.files:
                source = printable(str(mount.get("Name") or mount.get("Source")))
                yield (
                    f"{what} has {source} mounted at {printable(path)}, which the stack's has not; name a volume "
                    "in dockerHost.volumes, or a file's content in dockerHost.files"
                )
        for label, rule in (container["Config"].get("Labels") or {}).items():
            if _RULE.fullmatch(label) and not (target.host and takes_some(rule, target.host)):
                yield (
                    f"{what} has the route {printable(rule)}, which the stack's would not have; take that "
                    "label from it, or give the route to a container of its own"
                )
        ports = (container.get("HostConfig") or {}).get("PortBindings") or {}
        wanted = target.publish and str(target.publish.port)
        for binding in (binding for bindings in ports.values() for binding in bindings or ()):
            if binding.get("HostPort") != wanted:
                yield (
                    f"{what} publishes port {binding.get('HostPort')}, which the stack's would not; publish it with "
                    "dockerHost.publish, or let its clients use the route"
                )
