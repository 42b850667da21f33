"""A new container on a Docker host that ends again and again is not waited for. Pure: no Pulumi here."""

import asyncio
from collections.abc import Callable

from components.docker_app.ssh import DockerHost, last_words

RESTARTS = 3
"""So many starts after the first one are a pattern; Docker waits twice as long before each, from 0.1 s on."""
_POLL_SECONDS = 1.0


async def end_crashing(host: DockerHost, container: str, tell: Callable[[str], object]) -> None:
    """Watches a container that is being made; where it crashes, tells what it said last, and removes it.

    Whoever waits for it is told by Docker that it is gone. Ends by itself where the container is healthy.
    """
    while True:
        await asyncio.sleep(_POLL_SECONDS)
        form = "{{.RestartCount}} {{with .State.Health}}{{.Status}}{{end}}"
        shown = await asyncio.to_thread(host.run, "inspect", "--format", form, container)
        restarts, _, health = shown.stdout.strip().partition(" ")
        if health == "healthy":
            return
        if restarts.isdigit() and int(restarts) >= RESTARTS:
            words = await asyncio.to_thread(last_words, host, container)
            tell("\n".join([f"Container {container} ends again and again, and is not waited for:", *words]))
            await asyncio.to_thread(host.run, "rm", "--force", container)
            return
