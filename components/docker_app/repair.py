"""The stack's own container, which somebody stopped or paused by hand, serves again. No Pulumi here."""

import time

from components.docker_app.log_lines import last_log_lines
from components.docker_app.remote_docker import RemoteDocker

_POLL_SECONDS = 1.0


def repair(remote: RemoteDocker, container: str, seconds: int, secrets: tuple[str, ...]) -> list[str]:
    """Starts or unpauses a container, by its id, and waits until it is healthy; lines that say why it is not.

    RemoteDockerError if there is no answer.
    """
    end = time.monotonic() + seconds
    for action in ("unpause", "start"):
        # An error if it is not paused, 304 if it runs already: what counts is how it is in the end.
        remote.request("POST", f"/containers/{container}/{action}")
    while True:
        answer = remote.request("GET", f"/containers/{container}/json")
        if answer.message:
            return [answer.message]
        if answer.json["State"].get("Health", {}).get("Status") == "healthy" and not answer.json["State"]["Paused"]:
            return []
        if time.monotonic() > end:
            return last_log_lines(remote, container, secrets)
        time.sleep(_POLL_SECONDS)
