"""What a run does besides the provider, so that exactly the container that the state knows serves when it ends."""

import asyncio
from dataclasses import dataclass, field

import pulumi

from components.docker_app import definition, drift
from components.docker_app.args import DockerAppArgs
from components.docker_app.definition import secret_values
from components.docker_app.entrance import Entrance
from components.docker_app.listed_container import ListedContainer
from components.docker_app.reached import Reach
from components.docker_app.remote_docker import RemoteDockerError
from components.docker_app.removal import remove_new
from components.docker_app.repair import repair
from components.docker_app.swap import Generation
from components.printable import printable
from components.progress import Progress, shown_at


@dataclass(frozen=True, kw_only=True)
class Serving:
    """The containers of one application; `parent` is what its messages are about."""

    args: DockerAppArgs
    parent: pulumi.Resource
    _removed: set[str] = field(default_factory=set)

    async def complete(self, container_id: str, name: str, generation: Generation | None) -> str:
        """The id, once this container serves and no other one of the stack is left; RunError if that is not so.

        Nothing is changed in a preview.
        """
        if not pulumi.runtime.is_dry_run():
            present = self.args.present
            found = next((one for one in present or () if one.id == container_id), None)
            if found is not None:
                await self._repair(found)
            elif present is not None:
                if self.args.previous and self.args.previous["id"] == container_id:
                    raise pulumi.RunError(f"{self.args.target.address}: {drift.missing(self.args.previous)}")
                # A new one, for which the provider has waited until it was healthy.
                await self._reach(container_id, name, generation)
            await self._remove_leftovers()
        return container_id

    async def clear_the_way(self, image_id: str) -> str:
        """The id of the image, once nothing that a killed run left holds the fixed name or the port."""
        if not pulumi.runtime.is_dry_run():
            await self._remove_leftovers()
        return image_id

    async def _reach(self, container_id: str, name: str, generation: Generation | None) -> None:
        args, target = self.args, self.args.target
        route = definition.route(args.app, target)
        if not route or not generation:
            return
        entrance = Entrance(host=route.hosts[0], tls=route.tls, address=target.proxy)
        reach = Reach(
            entrances=[entrance],
            token=generation.token,
            entry_points=[route.entry_point],
            middlewares=route.middlewares,
            cert_resolver=route.cert_resolver,
            served=bool(self._others) and args.previous is not None and args.previous.get("host") == route.hosts[0],
            at=f"its port {route.port} in the network {route.network!r}",
            remedy="have the application listen on 0.0.0.0, and the proxy attached to that network",
            seconds=target.wait_seconds,
        )
        async with Progress(shown_at(self.parent)) as progress:
            progress.say(f"{target.address}: waiting until the reverse proxy serves {name}")
            problem = await asyncio.to_thread(reach.problem, args.remote)
            if problem is None:
                before = f", and the one before it has {target.stop_seconds} s to end" if self._others else ""
                progress.say(f"{target.address}: the reverse proxy serves {name}{before}")
                return
        secrets = await secret_values(args.app, target)
        lines = await asyncio.to_thread(remove_new, args.remote, container_id, name, secrets, target.stop_seconds)
        kept = "the old one serves on" if self._others else "nothing serves"
        raise pulumi.RunError(
            "\n".join([f"{target.address}: the new container {name} is removed, and {kept}: {problem}", *lines])
        )

    @property
    def _others(self) -> list[ListedContainer]:
        """Those of the stack that ran before."""
        args = self.args
        return [one for one in args.present or () if one.identity == args.identity and not one.is_stopped]

    async def _repair(self, found: ListedContainer) -> None:
        args = self.args
        if not drift.fault(found):
            return
        secrets = await secret_values(args.app, args.target)
        try:
            lines = await asyncio.to_thread(repair, args.remote, found.id, args.target.wait_seconds, secrets)
        except RemoteDockerError as error:
            lines = [printable(str(error)) or "the connection was lost"]
        if lines:
            raise pulumi.RunError(
                "\n".join([f"{args.target.address}: the container {found.quoted} does not serve:", *lines])
            )
        pulumi.log.info(
            f"{args.target.address}: the container {found.quoted} was {found.state}, and serves", self.parent
        )

    async def _remove_leftovers(self) -> None:
        args = self.args
        for leftover in args.leftovers:
            if leftover.id in self._removed:
                continue
            try:
                await asyncio.to_thread(args.remote.stop_and_remove, leftover.id, args.target.stop_seconds)
            except RemoteDockerError as error:
                reason = printable(str(error)) or "the connection was lost"
                raise pulumi.RunError(
                    f"{args.target.address}: the container {leftover.quoted}, which a killed run left, is not removed "
                    f"({reason}); run the same command again, or remove it with {leftover.removal}"
                ) from error
            self._removed.add(leftover.id)
            pulumi.log.info(
                f"{args.target.address}: the container {leftover.quoted}, which was not in the state, is removed",
                self.parent,
            )
