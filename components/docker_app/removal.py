"""A new container that does not serve is removed, and what it had to say is kept. No Pulumi here."""

from collections.abc import Collection

from components.docker_app.host_check import host_problem
from components.docker_app.log_lines import last_log_lines
from components.docker_app.remote_docker import RemoteDocker, RemoteDockerError
from components.printable import printable


def remove_new(remote: RemoteDocker, container_id: str, name: str, secrets: Collection[str], grace: int) -> list[str]:
    """Its state and last log lines, less these secrets; `grace` are the seconds it may take to end."""
    lines = last_log_lines(remote, name, secrets)
    try:
        remote.stop_and_remove(container_id, grace)
    except RemoteDockerError as error:
        reason = printable(str(error)) or "the connection was lost"
        lines.append(f"Container {name} is not removed ({reason}); 'pulumi up' tries again")
    return lines


def remove_failed(remote: RemoteDocker, identity: str, name: str, secrets: Collection[str], grace: int) -> list[str]:
    """Removes the container of this name that did not start or get healthy, and says why; `identity` is the stack's.

    One of this name that is somebody else's is what was in the way, and stays. The rest is as in `remove_new`.
    """
    problem = host_problem(remote)
    try:
        own = [] if problem else [found for found in remote.listing() if found.name == name]
    except RemoteDockerError as error:
        problem, own = str(error), []
    if problem:
        return [f"{problem}; what there is of the container {name} is replaced by the next 'pulumi up'"]
    for container in own:
        if container.identity == identity:
            return ["\n".join(remove_new(remote, container.id, name, secrets, grace))]
    return []
