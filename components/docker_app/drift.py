"""What of a stack on its Docker host is not as its last run made it. Pure.

A container's image, environment and labels cannot be changed: whoever "changes" one creates another, under the same
name or a new one. So ids show it; the provider does not read environment and labels back.
"""

from collections.abc import Collection, Iterable

from components.docker_app.listed_container import ListedContainer
from components.outputs import DockerHostOutput


def differences(
    present: Iterable[ListedContainer],
    leftovers: Collection[ListedContainer],
    *,
    identity: str,
    hosts: Collection[str],
    known: DockerHostOutput[str] | None,
) -> list[str]:
    """One sentence for each container that is not as it should be, with the remedy.

    `present` are the containers on the host, `leftovers` the stack's own that its state does not know, `identity` the
    id of the stack, `hosts` the host names of the route, and `known` the output of the last successful run.
    """
    containers = list(present)
    found = [
        f"the container {leftover.quoted} ({leftover.state}) is this stack's and not in its state: a run that was "
        "killed left it, or somebody created it anew by hand; 'pulumi up' removes it once the stack's own one serves"
        for leftover in leftovers
    ]
    for container in containers:
        if container in leftovers:
            continue
        if is_own(container, identity, known):
            if state := fault(container):
                found.append(f"the container {container.quoted} {state}")
        elif touched := next(filter(container.touches, hosts), None):
            found.append(
                f"the container {container.shown} has a route for {touched} too, which may take some of its requests; "
                f"if that is not meant, remove it with {container.removal}"
            )
    if known and not any(container.id == known["id"] for container in containers):
        others = [one for one in containers if is_own(one, identity, known) and one not in leftovers]
        if not others:
            found.append(missing(known))
    return found


def is_own(container: ListedContainer, identity: str, known: DockerHostOutput[str] | None) -> bool:
    """Whether the stack made the container."""
    return container.identity == identity or bool(known and container.id == known["id"])


def fault(container: ListedContainer) -> str | None:
    """Why the stack's own container does not serve, with what `up` does about it; None if it does."""
    if container.is_stopped:
        return f"is stopped ({container.state}), so nothing serves; 'pulumi up' starts it"
    if container.state == "paused":
        return "is paused, so its requests hang; 'pulumi up' unpauses it"
    if container.state == "restarting":
        return f"crash-loops; see 'docker logs {container.name}', and deploy an image that runs"
    if container.is_unhealthy:
        return (
            f"is unhealthy, so the reverse proxy may not route to it; see 'docker logs {container.name}', and deploy "
            f"an image that is healthy, or run 'docker restart {container.name}'"
        )
    return None


def missing(known: DockerHostOutput[str]) -> str:
    """That the container of the last successful run does not exist any more, and the remedy."""
    # Without a route it has a fixed name, and nothing that would be another one.
    command = "pulumi up" if known.get("host") else "pulumi up --refresh"
    return (
        f"the container '{known['container']}', which this stack created, does not exist any more; '{command}' creates "
        "another"
    )
