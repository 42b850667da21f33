"""What was created or changed by hand on a Docker host. Pure.

A container's image, environment and labels cannot be changed: whoever "changes" one creates another, under the same
name or a new one. So ids and names show it; the provider does not read environment and labels back.
"""

import re
from collections.abc import Iterable

from components.docker_app.listed_container import ListedContainer
from components.outputs import DockerHostOutput


def differences(
    present: Iterable[ListedContainer],
    *,
    owner: str,
    prefix: str,
    host: str | None,
    known: DockerHostOutput[str] | None,
) -> list[str]:
    """One sentence for each container that stands where the stack's own should, with the remedy.

    `present` are the containers on the host, `owner` is the stack's label, `prefix` the container's name, to which
    Pulumi adds seven random digits if it is not fixed, `host` the host name of the route, and `known` the output of
    the last successful run. A container of a run that failed later is the stack's too, though no output knows it.
    """
    containers = list(present)
    found, own = [], False
    serving = known["container"] if known and any(container.id == known["id"] for container in containers) else None
    for container in containers:
        name, shown, removal = container.name, container.shown, container.removal
        if container.owner == owner:
            if known and name == known["container"] and container.id != known["id"]:
                found.append(
                    f"the container {shown} was created anew by hand, so its image, environment and labels may differ; "
                    f"'pulumi up --refresh' starts the stack's own beside it, then remove it with {removal}"
                )
            elif known and container.id == known["id"]:
                own = True
            elif re.fullmatch(rf"{re.escape(prefix)}(-[0-9a-f]{{7}})?", name):
                own = True
                if serving:
                    # Either the state has it, or the engine was killed before it could note it down.
                    found.append(
                        f"the container {shown} is of a run that did not succeed, and may get requests beside "
                        f"{serving}; if 'pulumi up' leaves both, remove it with {removal}"
                    )
            else:
                found.append(
                    f"the container {shown} has this stack's label, but was created by hand, and may get its requests; "
                    f"remove it with {removal}"
                )
        elif host and container.routes(host):
            found.append(
                f"the container {shown} has a route for {host} too, so both get requests; give it another host name, "
                f"or remove it with {removal}"
            )
    if known and not own and all(container.name != known["container"] for container in containers):
        found.append(
            f"the container {known['container']}, which this stack created, does not exist any more; 'pulumi up "
            "--refresh' creates another"
        )
    return found


def taken_name(present: Iterable[ListedContainer], *, owner: str, name: str) -> str | None:
    """Why a container of this fixed name cannot be created, or None."""
    for container in present:
        if container.name == name and container.owner != owner:
            return (
                f"The name {name} is taken by a container that this stack did not create; remove it with "
                f"{container.removal}, or set gitlab-deploy:dockerHost.name"
            )
    return None
