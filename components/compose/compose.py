"""Compose: the services of a team's own compose files on a Docker host."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import Any

import pulumi
import pulumi_docker as docker

from components.compose import container, names, probe, routes
from components.compose.args import ComposeArgs
from components.compose.drift import differences
from components.compose.ending import end_old
from components.compose.inputs import inputs
from components.compose.interpolation import names as encrypted_in
from components.compose.model import Network, Service, Volume
from components.compose.quick_start import has_start_interval, quick_start
from components.compose.serving import Serving
from components.compose.turns import Turns
from components.docker_app.labels import ID_LABEL
from components.docker_app.pull import pull_problem
from components.docker_app.swap import Generation, digest, following
from components.outputs import ComposeOutput, ComposeServiceOutput, SwapOutput

_NEVER: SwapOutput = {"container": "", "digest": "", "number": 0, "token": "", "before": ""}
"""Before the first one, which so comes before a container that compose made."""


class Compose(pulumi.ComponentResource):
    """A container for each service, with the names and labels that compose gives, and its networks and volumes.

    A service with a route whose containers can be beside each other is swapped: the new one starts beside the old one,
    which is removed last. Any other is stopped first, once its image is pulled. What did not change is not touched.
    """

    output: ComposeOutput[pulumi.Input[str]]
    """What runs where, for the stack's outputs."""
    swaps: Mapping[str, pulumi.Output[SwapOutput]]
    """What the next run has to know of each container that is swapped; secret."""
    done: pulumi.Output[list[str]]
    """The ids of the containers, once every service does what it is for, and those before them have ended."""

    def __init__(self, name: str, args: ComposeArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("gitlab-deploy:index:Compose", name, inputs(args), opts)
        self._args = args
        self._report()
        project = args.project
        self._images = {
            reference: self._image(reference)
            for reference in dict.fromkeys(args.image_of(service) for service in project.services)
        }
        self._networks = {key: self._network(network) for key, network in project.networks.items()}
        self._volumes = {key: self._volume(volume) for key, volume in project.volumes.items()}
        self._servings: dict[str, Serving] = {}
        self._turns = Turns()
        self._swaps: dict[str, pulumi.Output[SwapOutput]] = {}
        self._ended: list[pulumi.Output[str]] = []
        self.output = {
            "address": args.target.address,
            "hostKey": args.target.host_key,
            "identityFile": args.target.identity_file,
            "api": args.known_api,
            "project": project.name,
            "image": str(args.image),
            "hosts": list(hosts := _routes(args)),
            "paths": {host: route.path for host, route in hosts.items()},
            "plain": [host for host, route in hosts.items() if not route.tls],
            "services": {key: self._service(service) for key, service in project.services.items()},
            "volumes": sorted(volume.name for volume in project.volumes.values()),
        }
        self.done = pulumi.Output.all(*self._ended).apply(self._clean)
        self.swaps = {key: pulumi.Output.secret(value) for key, value in self._swaps.items()}
        self.register_outputs({"project": project.name})

    def _report(self) -> None:
        """Logs what has no effect, what costs a gap, and what is not as the last run made it."""
        args = self._args
        for note in args.project.notes:
            pulumi.log.info(note, self)
        for service in args.project.services.values():
            if service.is_stacks_own and (service.is_routed or service.ports) and not service.is_swapped:
                pulumi.log.info(
                    f"The service {service.name} publishes a port, writes to a volume or has a TCP or UDP route, so "
                    "its new container starts once the old one has stopped: nothing answers there in between",
                    self,
                )
        if args.present is not None:
            for difference in differences(args.present, args.leftovers, args.project, args.previous, args.identity):
                pulumi.log.warn(f"{args.target.address}: {difference}", self)

    def _image(self, reference: str) -> docker.RemoteImage:
        args = self._args

        async def explain(failed: pulumi.ErrorHookArgs) -> bool:
            """Shows why the image is not pulled; tries again, once, if it is there by now: finding out pulls it."""
            if failed.failed_operation != "create":
                return False
            problem = await asyncio.to_thread(pull_problem, args.remote, reference, await self._login(reference))
            if problem:
                pulumi.log.error(problem, self)
            return problem is None and len(failed.errors) == 1

        name = f"{args.project.name}-image" if reference == str(args.image) else reference
        return docker.RemoteImage(
            name,
            name=reference,
            # Another stack, or a container made by hand, may run the same image.
            keep_locally=True,
            opts=pulumi.ResourceOptions(
                parent=self,
                delete_before_replace=False,
                hooks=pulumi.ResourceHookBinding(on_error=[pulumi.ErrorHook(f"{name}-not-pulled", explain)]),
            ),
        )

    async def _login(self, reference: str) -> tuple[str, str] | None:
        """User name and password for the registry of an image."""
        for login in self._args.logins:
            if reference.startswith(f"{login['address']}/"):
                pair = pulumi.Output.all(login.get("username"), login.get("password"))
                username, password = await pair.future() or ("", "")
                return str(username), str(password)
        return None

    def _network(self, network: Network) -> pulumi.Input[str]:
        """The name of the network; it waits for the network if that is the stack's own."""
        if network.is_external:
            return network.name
        args, options = self._args, dict(network.options)
        labels = {**options.pop("labels", {}), **names.of_network(args.project, network, args.owner)}
        made = docker.Network(
            f"{args.project.name}_{network.key}",
            name=network.name,
            labels=self._labels(labels),
            **options,
            opts=pulumi.ResourceOptions(
                parent=self,
                delete_before_replace=True,
                import_=args.networks.get(network.name),
                # Those of a network that compose made are its own for ever.
                ignore_changes=[
                    "labels",
                    *(
                        ()
                        if network.options
                        else ("driver", "options", "ipamConfigs", "attachable", "ipv6", "internal")
                    ),
                ],
            ),
        )
        return made.name

    def _volume(self, volume: Volume) -> pulumi.Input[str]:
        """The name of the volume. What is in it outlives the stack."""
        if volume.is_external:
            return volume.name
        args, options = self._args, dict(volume.options)
        labels = {**options.pop("labels", {}), **names.of_volume(args.project, volume, args.owner)}
        # Docker takes one that exists for the one that is asked for.
        made = docker.Volume(
            f"{args.project.name}_{volume.key}",
            name=volume.name,
            labels=self._labels(labels),
            **options,
            opts=pulumi.ResourceOptions(
                parent=self, retain_on_delete=True, ignore_changes=["labels", "driver", "driverOpts"]
            ),
        )
        return made.name

    def _labels(self, labels: Mapping[str, str]) -> list[Any]:
        return [
            {"label": label, "value": value}
            for label, value in sorted({**labels, ID_LABEL: self._args.kept_identity}.items())
        ]

    def _service(self, service: Service) -> ComposeServiceOutput[pulumi.Input[str]]:
        args, name = self._args, f"{self._args.project.name}-{service.name}"
        serving = Serving(
            args=args,
            service=service,
            parent=self,
            after=[self._servings[one.service] for one in service.depends_on],
            beside=self._servings,
            turns=self._turns,
        )
        self._servings[service.name] = serving
        started = quick_start(service, args.known_api)
        reference = args.image_of(service.name)
        image_id: pulumi.Output[str] = self._images[reference].image_id.apply(str)
        asked: pulumi.Output[str] | None = None
        if service.is_routed and service.healthcheck is None:
            asked = image_id.apply(serving.ask)
        waits: pulumi.Input[bool] = service.healthcheck is not None and not service.healthcheck.is_off
        if service.is_swapped or serving.completes:
            # The provider looks once a second; beside one that serves there is nothing that it would have to hold up.
            waits = False
        elif asked is not None:
            waits = asked.apply(lambda how: how != probe.NONE)
        generation, made_of = self._generation(started, name) if service.is_swapped else (None, None)
        fixed_name = names.container_name(args.project, service)
        startable: pulumi.Output[str] = image_id.apply(serving.gate)
        made = docker.Container(
            name,
            name=fixed_name,
            image=startable,
            must_run=not (serving.completes or service.may_end),
            wait=waits,
            wait_timeout=container.patience(service, args.target.wait_seconds),
            destroy_grace_seconds=service.stop_seconds,
            # A database may have its data in a volume without a name, which compose does not remove either.
            remove_volumes=service.is_stacks_own,
            **container.arguments(
                started,
                args.values,
                labels=self._container_labels(service, generation),
                networks=self._networks,
                volumes=self._volumes,
                asked=asked if asked is not None else probe.IMAGES_OWN,
                is_quick=self._is_quick,
            ),
            opts=pulumi.ResourceOptions(
                parent=self,
                delete_before_replace=fixed_name is not None,
                replace_on_changes=container.REPLACED,
                hooks=pulumi.ResourceHookBinding(
                    before_create=[] if waits is False else [pulumi.ResourceHook(f"{name}-watch", serving.watch)],
                    on_error=[pulumi.ErrorHook(f"{name}-failed", serving.remove_failed)],
                ),
            ),
        )
        serving.created = made.id
        serving.done = pulumi.Output.all(made.id, generation).apply(lambda both: serving.complete(*both))
        ended: pulumi.Output[str] = serving.done
        if generation is not None:
            ended = ended.apply(partial(end_old, args, service, self))
            known = pulumi.Output.all(made.name, serving.done, generation, made_of)
            self._swaps[name] = known.apply(lambda found: found[2].output(found[0], found[3]))
        self._ended.append(ended)
        return {
            "container": made.name.apply(str),
            "id": serving.done,
            "image": reference,
            "completes": serving.completes or service.is_task,
            "probe": asked,
        }

    @property
    def _is_quick(self) -> bool:
        """Whether the host can ask a new container more often than one that has started."""
        return has_start_interval(self._args.known_api)

    def _container_labels(
        self, service: Service, generation: pulumi.Output[Generation] | None
    ) -> pulumi.Output[Mapping[str, str]]:
        own = names.of_container(self._args.project, service, self._args.owner)

        def labels(both: list[Any]) -> Mapping[str, str]:
            identity, found = both
            routed = service.labels if found is None else routes.of_generation(service.labels, service.name, found)
            return {**routed, **own, ID_LABEL: identity}

        return pulumi.Output.all(self._args.kept_identity, generation).apply(labels)

    def _generation(self, service: Service, name: str) -> tuple[pulumi.Output[Generation], pulumi.Output[str]]:
        """The generation of the container, and the digest of what it is made of, which is secret."""
        args = self._args
        definition = names.definition(service)
        sealed = [args.values[one] for one in sorted(encrypted_in(definition))]
        # Routers of the same names and other labels would be dropped by the proxy, both of them.
        labels = routes.of_generation(service.labels, service.name, Generation())
        parts = (definition, labels, args.image_of(service.name), self._is_quick, *sealed)
        made_of = pulumi.Output.all(*parts).apply(digest)
        present = None if args.present is None else {one.name for one in args.present.containers}
        last = args.swaps.get(name) or _NEVER

        def following_it(wanted: str) -> Generation:
            return following(last, wanted, identity=args.identity, kept=args.kept.get(name), present=present)

        # What it stands for is secret; that there is another generation is not.
        return pulumi.Output.unsecret(made_of).apply(following_it), made_of

    async def _clean(self, ids: list[str]) -> list[str]:
        """The ids; what a killed run left of services that are in no file any more is removed."""
        if not pulumi.runtime.is_dry_run():
            await next(iter(self._servings.values())).remove_others()
        return ids


def _routes(args: ComposeArgs) -> dict[str, routes.Route]:
    """The host names that lead to the services with the stack's image, each with a router that does."""
    found: dict[str, routes.Route] = {}
    for service in args.project.services.values():
        for route in routes.routes(service.labels) if service.is_stacks_own and service.is_routed else ():
            for host in route.hosts:
                found.setdefault(host, route)
    return found
