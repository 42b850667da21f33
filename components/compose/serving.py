"""What a run does besides the provider: services start in their order, and the old goes once the new one serves."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi

from components.compose import probe
from components.compose.args import ComposeArgs
from components.compose.container import patience
from components.compose.hidden import hidden
from components.compose.model import Service
from components.compose.names import SERVICE_LABEL, container_name
from components.compose.routes import port, probed
from components.compose.trial import ServiceTrial, is_tried
from components.compose.turns import Turns
from components.compose.waiting import Waiting
from components.docker_app.crash_loop import end_crash_loop
from components.docker_app.drift import fault
from components.docker_app.entrance import Entrance
from components.docker_app.listed_container import ListedContainer
from components.docker_app.reached import Reach
from components.docker_app.remote_docker import RemoteDockerError
from components.docker_app.removal import remove_failed
from components.docker_app.swap import Generation
from components.printable import printable
from components.progress import Progress, shown_at

_ROUTED_SECONDS = 3.5


@dataclass(kw_only=True)
class Serving:
    """The containers of one service; `parent` is what its messages are about."""

    args: ComposeArgs
    service: Service
    parent: pulumi.Resource
    after: Sequence["Serving"] = ()
    """The services that it depends on."""
    beside: Mapping[str, "Serving"] = field(default_factory=dict)
    """All services of the project, by name, once each is declared."""
    turns: Turns = field(default_factory=Turns)
    """Of the project."""
    created: pulumi.Output[str] | None = None
    """The id of the container, as soon as the provider has it."""
    done: pulumi.Output[str] | None = None
    """The id of the container, once it does what others wait for."""
    _removed: set[str] = field(default_factory=set)
    _watches: list[asyncio.Task[None]] = field(default_factory=list)
    _progress: list[Progress] = field(default_factory=list)

    @property
    def completes(self) -> bool:
        """Whether the service runs to its end, which others wait for."""
        return self.service.name in self.args.project.completed

    def waits_for(self, other: "Serving") -> bool:
        """Whether it is that service, or starts after it."""
        return self is other or any(one.waits_for(other) for one in self.after)

    async def gate(self, image_id: str) -> str:
        """The id of the image, once a container of it may start.

        The services it depends on do what it waits for, the image has served beside the container that it stops, if
        that can be tried, and nothing else holds its place. This is no output of another container: what depends on a
        property of one is replaced with it.
        """
        if pulumi.runtime.is_dry_run():
            return image_id
        for other in self.after:
            if other.done is not None:
                await other.done.future()
        if self.created is not None and self._has_turns:
            await self.turns.take(self.created.future())
        if not self.service.is_swapped:
            await self._try(image_id)
            await self._remove(self._leftovers)
        return image_id

    @property
    def _has_turns(self) -> bool:
        """Whether the service stays as it is, beside one with another image that does not wait for it."""
        changing = [one for one in self.beside.values() if self.args.has_another_image(one.service)]
        stays = self.args.is_defined_so(self.service)
        return stays and bool(changing) and not any(one.waits_for(self) for one in changing)

    async def _try(self, image_id: str) -> None:
        args, service = self.args, self.service
        name = container_name(args.project, service)
        if name is None or not is_tried(service):
            return
        values = await pulumi.Output.all(**args.values).future() or {}
        trial = ServiceTrial(
            beside=name,
            owner=args.owner,
            identity=args.identity,
            image=image_id,
            seconds=patience(service, args.target.wait_seconds),
            networks=[args.project.networks[one.network].name for one in service.networks],
            secrets=hidden(args.project, values),
            service=service,
            project=args.project,
            values=values,
        )
        problem = await asyncio.to_thread(trial.problem, args.remote)
        if problem:
            raise pulumi.RunError(
                f"{self._where}: {args.image_of(service.name)} does not serve, so the container {name} was not stopped "
                f"for it, and serves on:\n{problem}"
            )

    async def ask(self, image_id: str) -> str:
        """How it is seen that a container of the image can serve (see `probe`)."""
        args, service = self.args, self.service
        known = args.known(service.name)
        if known and known["image"] == args.image_of(service.name) and known.get("probe"):
            return str(known["probe"])
        if args.present is None or pulumi.runtime.is_dry_run():
            return probe.IMAGES_OWN
        how = await asyncio.to_thread(probe.find, args.remote, image_id, port(service.labels), args.identity)
        if how == probe.NONE:
            pulumi.log.warn(
                f"The service {service.name} has no health check, and its image has none, and no shell to ask with: "
                "requests are sent to a new container as soon as it runs; add a healthcheck",
                self.parent,
            )
        elif how != probe.IMAGES_OWN:
            pulumi.log.info(
                f"The service {service.name} has no health check, and its image has none: it is taken to serve once "
                f"it listens on {how}",
                self.parent,
            )
        return how

    async def complete(self, container_id: str, generation: Generation | None) -> str:
        """The id, once the container does what others wait for; RunError if it does not. Nothing in a preview.

        `generation` is that of a container that is swapped: the reverse proxy has to serve it too.
        """
        if pulumi.runtime.is_dry_run():
            return container_id
        async with Progress(shown_at(self.parent)) as progress:
            return await self._complete(container_id, generation, progress)

    async def _complete(self, container_id: str, generation: Generation | None, progress: Progress) -> str:
        self._end_watches()
        present = self.args.present.containers if self.args.present else ()
        found = next((one for one in present if one.id == container_id), None)
        if found is None and self._was_made_before(container_id):
            raise pulumi.RunError(
                f"{self._where}: the container of the service {self.service.name}, which this stack created, does not "
                "exist any more; 'pulumi up --refresh' creates another"
            )
        name = self.service.name
        if found is None or self.completes or fault(found):
            progress.say(f"{name}: waiting until it {'has completed' if self.completes else 'serves'}")
            await self._wait(container_id, found)
        if found is None and generation is not None:
            progress.say(f"{name}: waiting until the reverse proxy serves the new container")
            await self._reach(container_id, generation)
        await self._remove(self._leftovers)
        return container_id

    async def remove_others(self) -> None:
        """Removes what a killed run left of services that are in no file any more."""
        named = self.args.project.services
        await self._remove([one for one in self.args.leftovers if one.labels.get(SERVICE_LABEL) not in named])

    async def watch(self, created: pulumi.ResourceHookArgs) -> None:
        """Ends the wait for a container that crash-loops, for which the provider would use all of its time."""
        name, secrets = str((created.new_inputs or {})["name"]), await self._secrets()
        watching = end_crash_loop(self.args.remote, name, secrets, lambda text: pulumi.log.error(text, self.parent))
        self._watches.append(asyncio.create_task(watching))
        self._progress.append(Progress(shown_at(self.parent)))
        self._progress[-1].say(f"{self.service.name}: waiting until it is healthy")

    async def remove_failed(self, failed: pulumi.ErrorHookArgs) -> bool:
        """Shows the log of a container that did not start or get healthy, and removes it; there is no retry."""
        self._end_watches()
        if failed.failed_operation != "create" or not failed.new_inputs:
            return False
        args, name, secrets = self.args, str(failed.new_inputs["name"]), await self._secrets()
        grace = self.service.stop_seconds
        for line in await asyncio.to_thread(remove_failed, args.remote, args.identity, name, secrets, grace):
            pulumi.log.error(line, self.parent)
        return False

    async def _wait(self, container_id: str, found: ListedContainer | None) -> None:
        args, service = self.args, self.service
        secrets = await self._secrets()
        waiting = Waiting(
            remote=args.remote,
            container=container_id,
            seconds=patience(service, args.target.wait_seconds),
            completes=self.completes,
            may_end=service.may_end,
            secrets=secrets,
        )
        try:
            lines = await self._again(waiting, is_stopped=found.is_stopped) if found else await waiting.problem()
        except RemoteDockerError as error:
            lines = [printable(str(error)) or "the connection was lost"]
        if not lines:
            return
        problem = f"{self._where}: the service {service.name} does not {'complete' if self.completes else 'serve'}"
        if found is None and service.is_swapped:
            # One that serves gets all requests again. The next run creates another.
            try:
                await asyncio.to_thread(args.remote.stop_and_remove, container_id, service.stop_seconds)
                problem += ", and its new container is removed"
            except RemoteDockerError as error:
                lines = [*lines, f"It is not removed: {printable(str(error)) or 'the connection was lost'}"]
        raise pulumi.RunError("\n".join([f"{problem}:", *lines]))

    async def _again(self, waiting: Waiting, *, is_stopped: bool) -> list[str]:
        """A container that was stopped, paused or failed is started; one that has done its work is left alone."""
        if is_stopped and (self.completes or self.service.is_task) and not await waiting.problem():
            return []
        for action in ("unpause", "start"):
            # An error if it is not paused, 304 if it runs already: what counts is how it is in the end.
            await asyncio.to_thread(self.args.remote.request, "POST", f"/containers/{waiting.container}/{action}")
        return await waiting.problem()

    async def _reach(self, container_id: str, generation: Generation) -> None:
        """Waits until the reverse proxy serves the new container; it is stopped if that does not come."""
        for other in self.beside.values():
            # A proxy that the file brings with it may be starting too.
            if other.service.is_proxy and other.done is not None and not other.waits_for(self):
                await other.done.future()
        route = probed(self.service.labels)
        if route is None:
            # Nothing in its rules can be asked for. Traefik takes up to three seconds.
            await asyncio.sleep(_ROUTED_SECONDS)
            return
        target = self.args.target
        # If the labels do not say whether it is TLS, the proxy's own settings do, which nobody here can read.
        reach = Reach(
            entrances=[
                Entrance(host=route.hosts[0], tls=tls, address=target.proxy)
                for tls in ([True] if route.tls else [True, False])
            ],
            token=generation.token,
            entry_points=route.entry_points,
            middlewares=route.middlewares,
            cert_resolver=route.cert_resolver,
            served=self.args.previous is not None and route.hosts[0] in self.args.previous["hosts"],
            remedy="have the application listen on 0.0.0.0, label it with its port, and put it on the proxy's network "
            "(traefik.docker.network)",
            seconds=target.wait_seconds,
        )
        problem = await asyncio.to_thread(reach.problem, self.args.remote)
        if problem is None:
            return
        await asyncio.to_thread(self.args.remote.run, "stop", container_id)
        raise pulumi.RunError(
            f"{self._where}: the new container of the service {self.service.name} is stopped, and what served before "
            f"serves on: {problem}"
        )

    async def _remove(self, containers: Sequence[ListedContainer]) -> None:
        for leftover in containers:
            try:
                await asyncio.to_thread(self.args.remote.stop_and_remove, leftover.id, self.service.stop_seconds)
            except RemoteDockerError as error:
                reason = printable(str(error)) or "the connection was lost"
                raise pulumi.RunError(
                    f"{self._where}: the container {leftover.quoted}, which is not in the state, is not removed "
                    f"({reason}); run the same command again, or remove it with {leftover.removal}"
                ) from error
            pulumi.log.info(
                f"{self._where}: the container {leftover.quoted}, which was not in the state, is removed", self.parent
            )
        self._removed.update(one.id for one in containers)

    async def _secrets(self) -> tuple[str, ...]:
        return hidden(self.args.project, await pulumi.Output.all(**self.args.values).future() or {})

    @property
    def _where(self) -> str:
        return self.args.target.address

    @property
    def _leftovers(self) -> list[ListedContainer]:
        return [
            one
            for one in self.args.leftovers
            if one.labels.get(SERVICE_LABEL) == self.service.name and one.id not in self._removed
        ]

    def _was_made_before(self, container_id: str) -> bool:
        known = self.args.known(self.service.name)
        return self.args.present is not None and bool(known and known["id"] == container_id)

    def _end_watches(self) -> None:
        for task in self._watches:
            task.cancel()
        while self._progress:
            self._progress.pop().stop()
