"""DockerApp: one web application on a Docker host, behind the team's own reverse proxy or on a published port."""

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

import pulumi
import pulumi_docker as docker

from components.docker_app.crash_loop import end_crashing
from components.docker_app.drift import Known, differences
from components.docker_app.pull import refusal
from components.docker_app.ssh import STACK_LABEL, Container, DockerHost, last_words
from components.docker_app.trial import Trial
from components.image.reference import ImageReference
from components.settings import rules

_REPLACED = ["healthcheck", "labels", "envs", "uploads", "volumes", "networksAdvanced"]


@dataclass(frozen=True, kw_only=True)
class Publish:
    """A port of the Docker host itself."""

    port: int
    """Port on the host, 1 to 65535."""
    address: str = "127.0.0.1"
    """Address of the host it is bound to; by default only the host itself reaches it."""


@dataclass(frozen=True, kw_only=True)
class DockerAppArgs:
    """What runs, and how it is reached. Raises ValueError on a value Docker would refuse."""

    daemon: DockerHost
    """The Docker host, asked for a container's last words where it does not get healthy."""
    name: str
    """Name of the route and, on a published port, of the container; one for each application and host."""
    owner: str
    """PROJECT/STACK/NAME, the value of the label `gitlab-deploy.stack`."""
    image: ImageReference
    """Image of the container."""
    port: int
    """Port the container listens on, 1 to 65535."""
    health_check: tuple[str, ...]
    """Command inside of the container that succeeds when, and only when, it can serve."""
    host: str | None = None
    """Host name the reverse proxy routes to the container; with None there is no route."""
    network: str = "traefik"
    """Name of the reverse proxy's own network, which is there already."""
    entry_point: str = "websecure"
    """Traefik entry point of the route."""
    cert_resolver: str | None = None
    """Traefik certificate resolver of the route; with None the entry point's own certificate is used."""
    publish: Publish | None = None
    """A published port. It rules out an overlap of the old and the new container."""
    memory: int = 256
    """Limit of its memory, in MiB."""
    wait_seconds: int = 60
    """How long a new container may take to be healthy."""
    overlap_seconds: int = 3
    """How long a new container runs beside the old one once it is healthy. Traefik takes up to two seconds to route to
    it (providers.providersThrottleDuration). An image that serves on for five seconds after it is told to stop, while
    its health check fails, needs none: 0."""
    stop_seconds: int = 30
    """How long an old container may take to stop before it is killed."""
    present: tuple[Container, ...] | None = None
    """The containers that were on the host before this run; None where the host could not be asked."""
    logins: Sequence[docker.ProviderRegistryAuthArgsDict] = ()
    """Registries the host pulls from, each with its user name and password, as the provider has them."""
    left: Mapping[str, str] | None = None
    """The output `dockerHost` of the last successful run; None where there was none."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Environment of the container; treated as secret."""
    files: Mapping[str, str] = field(default_factory=dict)
    """Text files put into the container, by their path. With any, its root filesystem is not read-only."""
    volumes: Mapping[str, str] = field(default_factory=dict)
    """Named volumes, by the path they are mounted at."""
    writable: tuple[str, ...] = ("/tmp",)  # noqa: S108 - a folder of the container
    """Folders that can be written to, in memory; all others, but for volumes, are read-only."""

    @property
    def summary(self) -> dict[str, str | None]:
        """What runs where, for the stack's outputs."""
        return {
            "address": self.daemon.address,
            "hostKey": self.daemon.host_key,
            "identityFile": self.daemon.identity_file,
            "owner": self.owner,
            "image": str(self.image),
            "host": self.host,
        }

    def __post_init__(self) -> None:
        rules.require("name", self.name, rules.dns_label)
        self.image.require_immutable()
        rules.require("network", self.network, rules.docker_name)
        if self.host is not None:
            rules.require("host", self.host, rules.dns_subdomain)
        for path in (*self.files, *self.volumes, *self.writable):
            rules.require("path", path, rules.mount_path)
        for name in self.environment:
            rules.require("environment", name, rules.env_name)
        for volume in self.volumes.values():
            rules.require("volumes", volume, rules.docker_name)
        if not 1 <= self.port <= 65535:
            raise ValueError(f"port: {self.port} is out of range; use a whole number from 1 to 65535")


class DockerApp(pulumi.ComponentResource):
    """An image that is pulled first, and a container of it that has to be healthy before the old one goes.

    Behind a reverse proxy the container has no fixed name, so the new one starts beside the old one, and the old one
    is removed last; where the new one never gets healthy, the old one serves on. On a published
    port the two cannot be there at once: the old one is stopped first, once the image is pulled.
    """

    container: pulumi.Output[str]
    """Name of the container that serves."""
    container_id: pulumi.Output[str]
    """Its id."""

    def __init__(self, name: str, args: DockerAppArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("gitlab-deploy:index:DockerApp", name, {}, opts)
        published = args.publish is not None
        overlap = args.overlap_seconds > 0 and not published
        if args.publish:
            pulumi.log.info(
                f"Port {args.publish.port} is published, so a new container of {args.name} can only start once the old "
                "one has stopped: nothing answers there in between. Behind a reverse proxy the two overlap."
                + (" With volumes, a new image is not tried out first." if args.volumes else ""),
                self,
            )

        container_name = f"{name}-container"

        if args.present is not None:
            prefix, known = args.name if published else container_name, Known.read(args.left)
            for difference in differences(args.present, owner=args.owner, prefix=prefix, host=args.host, known=known):
                pulumi.log.warn(f"{args.daemon.address}: {difference}", self)

        async def explain(failed: pulumi.ErrorHookArgs) -> bool:
            """Shows why the image is not pulled; where it is by now, which is how it is found out, goes on."""
            if failed.failed_operation != "create":
                return False
            login = None
            for known in args.logins:
                if args.image.name.startswith(f"{known['address']}/"):
                    pair = pulumi.Output.all(known.get("username"), known.get("password"))
                    username, password = await pair.future() or ("", "")
                    login = (str(username), str(password))
            why = refusal(args.daemon, str(args.image), login)
            if why:
                pulumi.log.error(why, self)
            return why is None and len(failed.errors) == 1

        image = docker.RemoteImage(
            f"{name}-image",
            name=str(args.image),
            # Another stack, or a container made by hand, may run the same image.
            keep_locally=True,
            opts=pulumi.ResourceOptions(
                parent=self,
                # The provider would remove the image of another name first, and the container before that.
                delete_before_replace=False,
                hooks=pulumi.ResourceHookBinding(on_error=[pulumi.ErrorHook(f"{name}-not-pulled", explain)]),
            ),
        )

        watches: list[asyncio.Task[None]] = []

        async def watch(made: pulumi.ResourceHookArgs) -> None:
            """Ends the wait for a container that ends again and again: the provider would wait for all of the time."""
            name = str((made.new_inputs or {})["name"])
            watches.append(
                asyncio.create_task(end_crashing(args.daemon, name, lambda text: pulumi.log.error(text, self)))
            )

        def remove_failed(failed: pulumi.ErrorHookArgs) -> bool:
            """Shows what a container said that did not start or get healthy, and takes it away; there is no retry."""
            for task in watches:
                task.cancel()
            if failed.failed_operation != "create" or not failed.new_inputs:
                return False
            container = str(failed.new_inputs["name"])
            problem = args.daemon.problem(None)
            if problem:
                left = f"what there is of the container {container} is replaced by the next 'pulumi up'"
                pulumi.log.error(f"{problem}; {left}", self)
            # One of this name that is somebody else's is what was in the way.
            elif any(found.name == container and found.owner == args.owner for found in args.daemon.listing()):
                pulumi.log.error("\n".join(last_words(args.daemon, container)), self)
                args.daemon.run("rm", "--force", container)
            return False

        async def settle(_: pulumi.ResourceHookArgs) -> None:
            for task in watches:
                task.cancel()
            if overlap and len(args.daemon.containers(f"{STACK_LABEL}={args.owner}")) > 1:
                await asyncio.sleep(args.overlap_seconds)

        image_id: pulumi.Output[str] = image.image_id.apply(_tried_out(args)) if published else image.image_id
        container = docker.Container(
            container_name,
            name=args.name if published else None,
            image=image_id,
            must_run=True,
            restart="always",
            wait=True,
            wait_timeout=args.wait_seconds,
            # No start period: within one, newer versions of Docker look only every five seconds. Not once a second, as
            # the provider looks: what gets healthy a moment after it has looked would cost a second more.
            healthcheck={"tests": ["CMD", *args.health_check], "interval": "800ms", "timeout": "5s", "retries": 2},
            labels=[{"label": key, "value": value} for key, value in sorted(_labels(args).items())],
            envs=pulumi.Output.secret([f"{key}={value}" for key, value in sorted(args.environment.items())]),
            uploads=[{"file": path, "content": content} for path, content in sorted(args.files.items())],
            volumes=[{"container_path": path, "volume_name": volume} for path, volume in sorted(args.volumes.items())],
            ports=[{"internal": args.port, "external": args.publish.port, "ip": args.publish.address}]
            if args.publish
            else [],
            networks_advanced=[{"name": args.network}] if args.host else [],
            memory=args.memory,
            memory_swap=args.memory,
            log_driver="json-file",
            log_opts={"max-size": "10m", "max-file": "3"},
            destroy_grace_seconds=args.stop_seconds,
            # Docker puts no file into a container whose root is read-only.
            read_only=not args.files,
            tmpfs=dict.fromkeys(args.writable, ""),
            capabilities={"drops": ["ALL"]},
            security_opts=["no-new-privileges:true"],
            opts=pulumi.ResourceOptions(
                parent=self,
                delete_before_replace=published,
                replace_on_changes=_REPLACED,
                hooks=pulumi.ResourceHookBinding(
                    before_create=[pulumi.ResourceHook(f"{name}-watch", watch)],
                    after_create=[pulumi.ResourceHook(f"{name}-settle", settle)],
                    on_error=[pulumi.ErrorHook(f"{name}-failed", remove_failed)],
                ),
            ),
        )
        self.container = container.name.apply(str)
        self.container_id = container.id.apply(str)
        self.register_outputs({"container": self.container})


def _tried_out(args: DockerAppArgs) -> Callable[[str], Awaitable[str]]:
    """Lets the image's id through once a container of it has been healthy beside the one that is to be stopped."""

    async def check(image_id: str) -> str:
        # A volume is not shared with a trial, which might not get healthy for the lack of it.
        if pulumi.runtime.is_dry_run() or args.volumes:
            return image_id
        trial = Trial(
            beside=args.name,
            image=image_id,
            health_check=args.health_check,
            memory=args.memory,
            seconds=args.wait_seconds,
            network=args.network if args.host else None,
            environment=args.environment,
            files=args.files,
            writable=args.writable,
        )
        why = await asyncio.to_thread(trial.problem, args.daemon)
        if why:
            raise pulumi.RunError(
                f"{args.image} does not get healthy on {args.daemon.address}, so the container {args.name} was not "
                f"stopped for it, and serves on:\n{why}"
            )
        return image_id

    return check


def _labels(args: DockerAppArgs) -> dict[str, str]:
    """Whose the container is, and the route to it (Traefik: Docker provider, routing configuration).

    Traefik drops a router, service or middleware that two containers define differently, on both of them. So the names
    end in a hash of what they stand for: while two containers overlap, theirs are either the same or have other names.
    """
    labels = {STACK_LABEL: args.owner}
    if args.host is None:
        return labels
    route = {
        "rule": f"Host(`{args.host}`)",
        "entrypoints": args.entry_point,
        "tls": "true",
        **({"tls.certresolver": args.cert_resolver} if args.cert_resolver else {}),
    }
    digest = hashlib.sha256(json.dumps([route, args.port], sort_keys=True).encode()).hexdigest()
    unique = f"{args.name}-{digest[:8]}"
    return labels | {
        "traefik.enable": "true",
        "traefik.docker.network": args.network,
        **{f"traefik.http.routers.{unique}.{key}": value for key, value in route.items()},
        f"traefik.http.routers.{unique}.service": unique,
        f"traefik.http.routers.{unique}.middlewares": unique,
        f"traefik.http.services.{unique}.loadbalancer.server.port": str(args.port),
        # A request that meets the old container while it stops is given to the new one, at once.
        f"traefik.http.middlewares.{unique}.retry.attempts": "4",
    }
