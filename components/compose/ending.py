"""The old container of a service is stopped as soon as the new one serves, beside what is still to be done."""

import asyncio
from contextlib import suppress

import pulumi

from components.compose.args import ComposeArgs
from components.compose.model import Service
from components.docker_app.remote_docker import RemoteDockerError
from components.progress import Progress, shown_at


async def end_old(args: ComposeArgs, service: Service, parent: pulumi.Resource, container_id: str) -> str:
    """The id of the container that serves, once those before it have had their time to end.

    The engine, which removes them, does so after everything else, and would wait for each then. Nothing in a preview.
    """
    if pulumi.runtime.is_dry_run() or args.present is None:
        return container_id
    kept = {container_id, *(one.id for one in args.leftovers)}
    old = [one for one in args.present.serving(service.name, args.identity) if one.id not in kept]
    if old:
        async with Progress(shown_at(parent)) as progress:
            progress.say(f"{service.name}: serves, and the container before it has {service.stop_seconds} s to end")
            # The engine says why, if it cannot stop it either.
            with suppress(RemoteDockerError):
                for one in old:
                    await asyncio.to_thread(args.remote.stop, one.id, service.stop_seconds)
    return container_id
