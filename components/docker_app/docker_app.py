"""DockerApp: one web application on a Docker host, behind the team's own reverse proxy or on a published port."""

from __future__ import annotations

import asyncio

import pulumi
import pulumi_docker as docker

from components.docker_app import definition
from components.docker_app.args import DockerAppArgs
from components.docker_app.container import REPLACED, Definition
from components.docker_app.drift import differences
from components.docker_app.hooks import Hooks
from components.docker_app.serving import Serving
from components.docker_app.trial import Trial
from components.outputs import SwapOutput
from components.progress import Progress, shown_at


class DockerApp(pulumi.ComponentResource):
    """An image that is pulled first, and a container of it that has to be healthy before the old one goes.

    Behind a reverse proxy the container has no fixed name, so the new one starts beside the old one. Once the proxy
    serves the new one, the old one is removed; if it does not, the new one is removed, and the old one serves on. On a
    published port the two exclude each other: the old one is stopped first, once the image is pulled and was tried out.
    """

    container: pulumi.Output[str]
    """Name of the container that serves."""
    container_id: pulumi.Output[str]
    """Its id."""
    swap: pulumi.Output[SwapOutput | None]
    """What the next run has to know of it; None without a route."""

    def __init__(self, name: str, args: DockerAppArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("gitlab-deploy:index:DockerApp", name, _inputs(args), opts)
        container_name = f"{name}-container"
        self._report(args)
        serving = Serving(args=args, parent=self)
        hooks = Hooks(args=args, parent=self)
        image = self._image(f"{name}-image", args, hooks, name)
        container, defined = self._container(container_name, args, hooks, image, name, serving)
        self.container = container.name.apply(str)
        known = pulumi.Output.all(container.id, container.name, defined.generation)
        self.container_id = known.apply(lambda found: serving.complete(*found))
        self.swap = defined.note(self.container, self.container_id)
        self.register_outputs({"container": self.container})

    def _report(self, args: DockerAppArgs) -> None:
        """Logs what a published port costs, and what is not as the last run made it."""
        target = args.target
        if target.publish:
            pulumi.log.info(
                f"Port {target.publish.port} is published, so a new container of {target.name} can only start once the "
                "old one has stopped: nothing answers there in between. Behind a reverse proxy the two overlap."
                + (" With volumes, a new image is not tried out first." if target.volumes or target.binds else ""),
                self,
            )
        if args.present is None:
            return
        for difference in differences(
            args.present, args.leftovers, identity=args.identity, hosts=target.route_hosts, known=args.previous
        ):
            pulumi.log.warn(f"{target.address}: {difference}", self)

    def _image(self, image_name: str, args: DockerAppArgs, hooks: Hooks, name: str) -> docker.RemoteImage:
        return docker.RemoteImage(
            image_name,
            name=str(args.image),
            # Another stack, or a container made by hand, may run the same image.
            keep_locally=True,
            opts=pulumi.ResourceOptions(
                parent=self,
                # The provider would remove the image of another name first, and the container before that.
                delete_before_replace=False,
                hooks=pulumi.ResourceHookBinding(
                    before_create=[pulumi.ResourceHook(f"{name}-pull", hooks.begin_pull)],
                    after_create=[pulumi.ResourceHook(f"{name}-pulled", hooks.end_pull)],
                    on_error=[pulumi.ErrorHook(f"{name}-not-pulled", hooks.explain_pull)],
                ),
            ),
        )

    def _container(
        self,
        container_name: str,
        args: DockerAppArgs,
        hooks: Hooks,
        image: docker.RemoteImage,
        name: str,
        serving: Serving,
    ) -> tuple[docker.Container, Definition]:
        image_id: pulumi.Output[str] = image.image_id.apply(str)
        if args.target.publish:
            passed: pulumi.Output[str] = image_id.apply(_Gate(args, self).pass_once_healthy)
            image_id = passed.apply(serving.clear_the_way)
        defined = Definition(args, image_id)
        container = docker.Container(
            container_name,
            **defined.inputs,
            opts=pulumi.ResourceOptions(
                parent=self,
                delete_before_replace=bool(args.target.publish),
                replace_on_changes=REPLACED,
                hooks=pulumi.ResourceHookBinding(
                    before_create=[pulumi.ResourceHook(f"{name}-watch", hooks.watch)],
                    after_create=[pulumi.ResourceHook(f"{name}-created", hooks.end_watches)],
                    on_error=[pulumi.ErrorHook(f"{name}-failed", hooks.remove_failed)],
                ),
            ),
        )
        return container, defined


class _Gate:
    """Lets the id of an image through once a container of it was healthy beside the one that is to be stopped."""

    def __init__(self, args: DockerAppArgs, parent: pulumi.Resource) -> None:
        self._args = args
        self._parent = parent

    async def pass_once_healthy(self, image_id: str) -> str:
        """The id. RunError if the image does not get healthy."""
        args, app, target = self._args, self._args.app, self._args.target
        # A volume is not shared with a trial, which might not get healthy for the lack of it.
        if pulumi.runtime.is_dry_run() or target.volumes or target.binds:
            return image_id
        variables, files = await pulumi.Output.all(definition.environment(app), target.files).future() or ({}, {})
        trial = Trial(
            beside=target.name,
            owner=args.owner,
            identity=args.identity,
            image=image_id,
            command=app.command,
            arguments=app.args,
            health_check=definition.health_command(app),
            memory=definition.mebibytes(app.memory),
            seconds=target.wait_seconds,
            networks=target.joined,
            user=target.user,
            capabilities=target.capabilities,
            environment=variables,
            files=files,
            secrets=await definition.secret_values(app, target),
            writable=app.writable,
        )
        async with Progress(shown_at(self._parent)) as progress:
            progress.say(f"{target.address}: the image is tried out beside {target.name}, until it is healthy")
            problem = await asyncio.to_thread(trial.problem, args.remote)
        if problem:
            raise pulumi.RunError(
                f"{args.image} does not get healthy on {target.address}, so the container {target.name} was not "
                f"stopped for it, and serves on:\n{problem}"
            )
        return image_id


def _inputs(args: DockerAppArgs) -> pulumi.Inputs:
    """What a policy pack can check; of the environment and the files the names alone."""
    app, target = args.app, args.target
    return {
        "address": target.address,
        "name": target.name,
        "image": str(args.image),
        "port": app.port,
        "host": target.host,
        "network": target.network,
        "entryPoint": target.entry_point,
        "hosts": list(target.hosts),
        "networks": list(target.networks),
        "user": target.user,
        "capabilities": list(target.capabilities),
        "binds": dict(target.binds),
        "labels": dict(target.labels),
        "publish": {"address": target.publish.address, "port": target.publish.port} if target.publish else None,
        "memory": app.memory,
        "env": sorted(app.env),
        "secrets": sorted(app.secrets),
        "files": sorted(target.files),
        "volumes": dict(target.volumes),
        "writable": list(app.writable),
    }
