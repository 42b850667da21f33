"""A new container that does not serve is removed, and what it had to say is kept. No Pulumi here."""

from collections.abc import Collection

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
