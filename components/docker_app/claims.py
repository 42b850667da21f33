"""What a stack wants on its Docker host and somebody else has: found before anything is made. Pure."""

from collections.abc import Iterable

from components.docker_app.drift import is_own
from components.docker_app.listed_container import ListedContainer
from components.outputs import DockerHostOutput
from components.settings.docker_host import DockerHost


def taken(
    target: DockerHost,
    present: Iterable[ListedContainer],
    *,
    identity: str,
    known: DockerHostOutput[str] | None,
) -> list[str]:
    """One sentence for each container of somebody else that stands in the way, with the way out.

    `identity` is the id of the stack, `known` the output `dockerHost` of its last successful run.
    """
    found: list[str] = []
    for container in present:
        if is_own(container, identity, known):
            continue
        where, removal = f"on {target.address}", container.removal
        if target.publish and container.name == target.name:
            found.append(
                f"The name {target.name} is taken by a container that this stack did not create, {container.shown} "
                f"{where}; set gitlab-deploy:dockerHost.name to another name, or remove it with {removal}"
            )
        if target.publish and container.holds(target.publish.address, target.publish.port):
            found.append(
                f"Port {target.publish.port} is held by a container that this stack did not create, {container.shown} "
                f"{where}; publish another port with gitlab-deploy:dockerHost.publish, or remove it with {removal}"
            )
        # A route for a path takes a part of what another one for the whole host takes, and comes first.
        hosts = target.route_hosts if target.path == "/" else ()
        found += [
            f"The host {host} is routed to a container that this stack did not create, {container.shown} {where}, and "
            "a proxy takes either of two equal routes; set gitlab-deploy:dockerHost.host to another host name, or take "
            f"that router away, such as with {removal}"
            for host in hosts
            if container.takes(host, target.entry_point)
        ]
    return found
