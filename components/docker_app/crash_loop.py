"""A new container that crash-loops is removed, so that nobody waits for it. No Pulumi here."""

import asyncio
from collections.abc import Callable, Collection

from components.docker_app.log_lines import last_log_lines
from components.docker_app.remote_docker import RemoteDocker

RESTARTS = 3
"""So many starts after the first one are a crash loop; Docker waits twice as long before each, from 0.1 s on."""
_POLL_SECONDS = 1.0


async def end_crash_loop(
    remote: RemoteDocker, container: str, secrets: Collection[str], report: Callable[[str], object]
) -> None:
    """Watches a container that is being created; if it crash-loops, reports its last log lines and removes it.

    The provider, which waits for it, hears from Docker that it is gone. Returns once the container is healthy.
    """
    while True:
        await asyncio.sleep(_POLL_SECONDS)
        form = "{{.RestartCount}} {{with .State.Health}}{{.Status}}{{end}}"
        shown = await asyncio.to_thread(remote.run, "inspect", "--format", form, container)
        restarts, _, health = shown.stdout.strip().partition(" ")
        if health == "healthy":
            return
        if restarts.isdigit() and int(restarts) >= RESTARTS:
            lines = await asyncio.to_thread(last_log_lines, remote, container, secrets)
            report("\n".join([f"Container {container} crash-loops, and is not waited for:", *lines]))
            await asyncio.to_thread(remote.remove, container)
            return
