"""The container of an application as the Docker provider takes it, and what tells it from the one before it."""

from collections.abc import Mapping
from typing import Any

import pulumi

from components.docker_app import definition
from components.docker_app.args import DockerAppArgs
from components.docker_app.labels import ID_LABEL, labels, token_in
from components.docker_app.swap import Generation, digest, following
from components.outputs import SwapOutput

REPLACED = ["healthcheck", "labels", "envs", "uploads", "volumes", "networksAdvanced"]
"""What the provider would change in its state alone."""
_IN_PLACE = {"must_run", "restart", "wait", "wait_timeout", "memory", "memory_swap", "destroy_grace_seconds"}
"""What is changed while the container runs, or is about its start and end alone."""


class Definition:
    """A container's inputs; of one with a route the generation too."""

    def __init__(self, args: DockerAppArgs, image_id: pulumi.Input[str]) -> None:
        fixed = _inputs(args)
        self.route = definition.route(args.app, args.target)
        self.generation: pulumi.Output[Generation | None] = pulumi.Output.from_input(None)
        self.digest: pulumi.Output[str] = pulumi.Output.from_input("")
        if self.route:
            made_of = {name: value for name, value in fixed.items() if name not in _IN_PLACE}
            # By the image's name: its id is not known before it is pulled.
            whole = {**made_of, "image": str(args.image), "route": labels(args.owner, self.route, Generation())}
            self.digest = pulumi.Output.from_input(whole).apply(digest)
            # What it stands for is secret; that there is another generation is not.
            self.generation = pulumi.Output.unsecret(self.digest).apply(lambda wanted: self._following(args, wanted))
        self.inputs = {**fixed, "image": image_id, "labels": self._labels(args)}

    def note(self, name: pulumi.Output[str], id_: pulumi.Output[str]) -> pulumi.Output[SwapOutput | None]:
        """What the next run has to know of the container, once it serves."""

        def noted(found: list[Any]) -> SwapOutput | None:
            container, _, generation, made_of = found
            return generation.output(container, made_of) if generation else None

        return pulumi.Output.secret(pulumi.Output.all(name, id_, self.generation, self.digest).apply(noted))

    def _following(self, args: DockerAppArgs, wanted: str) -> Generation:
        names = None if args.present is None else {container.name for container in args.present}
        last = args.swapped or self._last_of_leftovers(args)
        return following(last, wanted, identity=args.identity, kept=args.kept, present=names)

    def _last_of_leftovers(self, args: DockerAppArgs) -> SwapOutput | None:
        """What a run would have noted whose state is lost, or that was killed: the proxy still takes its container.

        So it does with one that was made by hand and is taken over, which has no token.
        """
        if self.route is None:
            return None
        host, found = self.route.hosts[0], []
        for one in args.leftovers:
            priority = one.priority(host)
            if priority is not None and priority >= self.route.lowest:
                found.append((priority - self.route.lowest, token_in(one.labels, self.route.name)))
        if not found:
            return None
        level, token = max(found)
        return {"container": "", "digest": "", "number": level, "token": token, "before": ""}

    def _labels(self, args: DockerAppArgs) -> pulumi.Input[Any]:
        def listed(found: Mapping[str, pulumi.Input[str]]) -> list[dict[str, pulumi.Input[str]]]:
            return [{"label": key, "value": value} for key, value in sorted(found.items())]

        if self.route is None:
            return listed({ID_LABEL: args.kept_identity, **labels(args.owner, None), **args.target.labels})
        both = pulumi.Output.all(args.kept_identity, self.generation)
        return both.apply(lambda known: listed({ID_LABEL: known[0], **labels(args.owner, self.route, known[1])}))


def _inputs(args: DockerAppArgs) -> dict[str, Any]:
    """All but the image and the labels."""
    app, target = args.app, args.target
    published, memory = target.publish, definition.mebibytes(app.memory)
    return {
        "name": target.name if published else None,
        "entrypoints": list(app.command) if app.command else None,
        "command": list(app.args) if app.args else None,
        "must_run": True,
        "restart": "always",
        "wait": True,
        "wait_timeout": target.wait_seconds,
        "healthcheck": definition.health_check(app, target.health_seconds),
        "envs": definition.environment(app).apply(definition.assignments),
        "uploads": definition.uploads(target.files),
        "volumes": definition.mounts(target),
        "ports": [{"internal": app.serves, "external": published.port, "ip": published.address}] if published else [],
        "networks_advanced": [{"name": name} for name in target.joined],
        "memory": memory,
        "memory_swap": memory,
        "log_driver": "json-file",
        "log_opts": {"max-size": "10m", "max-file": "3"},
        "destroy_grace_seconds": target.stop_seconds,
        # Docker puts no file into a container whose root is read-only.
        "read_only": not target.files,
        "tmpfs": dict.fromkeys(app.writable, ""),
        "user": target.user,
        "capabilities": {"drops": ["ALL"], **({"adds": list(target.capabilities)} if target.capabilities else {})},
        "security_opts": ["no-new-privileges:true"],
    }
