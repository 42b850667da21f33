"""What was made or changed by hand on a Docker host, by name. Pure: no Pulumi here.

A container's image, environment and labels cannot be changed: whoever "changes" one makes another, under the same name
or a new one. So ids and names tell; the provider does not read environment and labels back.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Self

from components.docker_app.ssh import Container


@dataclass(frozen=True)
class Known:
    """The container that the last successful run of the stack left, from the stack's outputs."""

    id: str
    name: str

    @classmethod
    def read(cls, output: Mapping[str, str] | None) -> Self | None:
        """From the stack's output `dockerHost`; None where no run has succeeded yet."""
        return cls(output["id"], output["container"]) if output else None


def differences(
    present: Iterable[Container], *, owner: str, prefix: str, host: str | None, known: Known | None
) -> list[str]:
    """One sentence for each container that stands where the stack's own should, with the remedy.

    `present` are the containers on the host, `owner` is the stack's label, `prefix` the container's name, to which
    Pulumi adds seven random digits where it is not fixed, and `host` the host name of the route. A container of a run
    that failed later is the stack's too, though its outputs do not know it.
    """
    containers = list(present)
    found, own = [], False
    for container in containers:
        name, remove = container.name, f"'docker rm --force {container.name}'"
        if container.owner == owner:
            if known and name == known.name and container.id != known.id:
                found.append(
                    f"the container {name} was made anew by hand, so its image, environment and labels may be others; "
                    f"'pulumi up --refresh' starts the stack's own beside it, then remove it with {remove}"
                )
            elif (known and container.id == known.id) or re.fullmatch(rf"{re.escape(prefix)}(-[0-9a-f]{{7}})?", name):
                own = True
            else:
                found.append(
                    f"the container {name} has this stack's label, but was made by hand, and may get its requests; "
                    f"remove it with {remove}"
                )
        elif host and f"Host(`{host}`)" in container.labels:
            found.append(
                f"the container {name} has a route for {host} too, so both get requests; give it another host name, or "
                f"remove it with {remove}"
            )
    if known and not own and all(container.name != known.name for container in containers):
        found.append(f"the container {known.name}, which this stack made, is gone; 'pulumi up --refresh' makes another")
    return found


def taken(present: Iterable[Container], *, owner: str, name: str) -> str | None:
    """Why a container of this fixed name cannot be made, or None."""
    for container in present:
        if container.name == name and container.owner != owner:
            return (
                f"The name {name} is taken by a container that this stack did not make; remove it with "
                f"'docker rm --force {name}', or set gitlab-deploy:dockerHost.name"
            )
    return None
