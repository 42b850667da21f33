"""What the engine calls before and after it creates the image and the container, and if it cannot."""

import asyncio
from dataclasses import dataclass, field

import pulumi

from components.docker_app.args import DockerAppArgs
from components.docker_app.crash_loop import end_crash_loop
from components.docker_app.definition import secret_values
from components.docker_app.pull import pull_problem
from components.docker_app.removal import remove_failed
from components.progress import Progress, shown_at


@dataclass(frozen=True, kw_only=True)
class Hooks:
    """The hooks of one application; `parent` is what its messages are about."""

    args: DockerAppArgs
    parent: pulumi.Resource
    _watches: list[asyncio.Task[None]] = field(default_factory=list)
    _progress: list[Progress] = field(default_factory=list)

    async def begin_pull(self, _: pulumi.ResourceHookArgs) -> None:
        """The image is being pulled."""
        self._begin(f"pulling {self.args.image}")

    async def end_pull(self, _: pulumi.ResourceHookArgs) -> None:
        """The image is there."""
        self._end(f"pulled {self.args.image}")

    async def explain_pull(self, failed: pulumi.ErrorHookArgs) -> bool:
        """Shows why the image is not pulled; tries again, once, if it is there by now: finding out pulls it."""
        self._end()
        if failed.failed_operation != "create":
            return False
        remote, image = self.args.remote, self.args.image
        problem = await asyncio.to_thread(pull_problem, remote, str(image), await self._login())
        if problem:
            pulumi.log.error(problem, self.parent)
        return problem is None and len(failed.errors) == 1

    async def watch(self, created: pulumi.ResourceHookArgs) -> None:
        """Ends the wait for a container that crash-loops, for which the provider would use all of its time."""
        args = self.args
        name, secrets = str((created.new_inputs or {})["name"]), await secret_values(args.app, args.target)
        watching = end_crash_loop(args.remote, name, secrets, lambda text: pulumi.log.error(text, self.parent))
        self._watches.append(asyncio.create_task(watching))
        self._begin(f"{name} starts, waiting until it is healthy")

    async def end_watches(self, created: pulumi.ResourceHookArgs | None = None) -> None:
        """The container is created, or cannot be."""
        for task in self._watches:
            task.cancel()
        self._end(f"{(created.new_inputs or {})['name']} is healthy" if created else "")

    async def remove_failed(self, failed: pulumi.ErrorHookArgs) -> bool:
        """Shows the log of a container that did not start or get healthy, and removes it; there is no retry."""
        await self.end_watches()
        if failed.failed_operation != "create" or not failed.new_inputs:
            return False
        name = str(failed.new_inputs["name"])
        secrets = await secret_values(self.args.app, self.args.target)
        args = self.args
        grace = args.target.stop_seconds
        for line in await asyncio.to_thread(remove_failed, args.remote, args.identity, name, secrets, grace):
            pulumi.log.error(line, self.parent)
        return False

    def _begin(self, text: str) -> None:
        self._progress.append(Progress(shown_at(self.parent)))
        self._progress[-1].say(f"{self.args.target.address}: {text}")

    def _end(self, text: str = "") -> None:
        while self._progress:
            self._progress.pop().stop(f"{self.args.target.address}: {text}" if text else "")

    async def _login(self) -> tuple[str, str] | None:
        """User name and password for the registry of the image."""
        for login in self.args.logins:
            if self.args.image.name.startswith(f"{login['address']}/"):
                pair = pulumi.Output.all(login.get("username"), login.get("password"))
                username, password = await pair.future() or ("", "")
                return str(username), str(password)
        return None
