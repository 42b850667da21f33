"""DockerApp: one web application on a Docker host, behind the team's own reverse proxy or on a published port."""

import asyncio
import hashlib
import json
import shlex
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import pulumi
import pulumi_docker as docker

from components.docker_app import ssh
from components.docker_app.crash_loop import end_crashing
from components.docker_app.drift import Known, differences
from components.docker_app.pull import refusal
from components.docker_app.ssh import STACK_LABEL, last_words
from components.docker_app.trial import Trial
from components.settings import rules
from components.settings.app import App
from components.settings.docker_host import DockerHost

_REPLACED = ["healthcheck", "labels", "envs", "uploads", "volumes", "networksAdvanced"]


@dataclass(frozen=True, kw_only=True)
class DockerAppArgs:
    """What runs and where, as the stack file says it, and its image. Raises ValueError on a malformed image."""

    app: App
    target: DockerHost
    """Its name is filled in."""
    daemon: ssh.DockerHost
    """The Docker host, asked for a container's last log lines if it does not get healthy."""
    owner: str
    """PROJECT/STACK/NAME, the value of the label `gitlab-deploy.stack`."""
    image: str
    """Image reference of the container."""
    present: tuple[ssh.Container, ...] | None = None
    """The containers that were on the host before this run; None if the host could not be asked."""
    logins: Sequence[docker.ProviderRegistryAuthArgsDict] = ()
    """Registries the host pulls from, each with its user name and password, as the provider has them."""
    left: Mapping[str, str] | None = None
    """The output `dockerHost` of the last successful run; None if there was none."""

    @property
    def summary(self) -> dict[str, str | None]:
        """What runs where, for the stack's outputs."""
        return {
            "address": self.target.address,
            "hostKey": self.target.host_key,
            "identityFile": self.target.identity_file,
            "owner": self.owner,
            "image": self.image,
            "host": self.target.host,
        }

    def __post_init__(self) -> None:
        rules.require("image", self.image, rules.IMAGE, rules.IMMUTABLE)
        rules.require("target.name", self.target.name, rules.DNS_LABEL)


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
        super().__init__("gitlab-deploy:index:DockerApp", name, _inputs(args), opts)
        app, target = args.app, args.target
        published = target.publish is not None
        overlap = target.overlap_seconds > 0 and not published
        if target.publish:
            pulumi.log.info(
                f"Port {target.publish.port} is published, so a new container of {target.name} can only start once the "
                "old one has stopped: nothing answers there in between. Behind a reverse proxy the two overlap."
                + (" With volumes, a new image is not tried out first." if target.volumes else ""),
                self,
            )

        container_name = f"{name}-container"

        if args.present is not None:
            prefix, known = target.name if published else container_name, Known.read(args.left)
            for difference in differences(args.present, owner=args.owner, prefix=prefix, host=target.host, known=known):
                pulumi.log.warn(f"{args.daemon.address}: {difference}", self)

        async def explain(failed: pulumi.ErrorHookArgs) -> bool:
            """Shows why the image is not pulled; where it is by now, which is how it is found out, goes on."""
            if failed.failed_operation != "create":
                return False
            login = None
            for known in args.logins:
                if args.image.startswith(f"{known['address']}/"):
                    pair = pulumi.Output.all(known.get("username"), known.get("password"))
                    username, password = await pair.future() or ("", "")
                    login = (str(username), str(password))
            why = refusal(args.daemon, args.image, login)
            if why:
                pulumi.log.error(why, self)
            return why is None and len(failed.errors) == 1

        image = docker.RemoteImage(
            f"{name}-image",
            name=args.image,
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
                await asyncio.sleep(target.overlap_seconds)

        image_id: pulumi.Output[str] = image.image_id.apply(_tried_out(args)) if published else image.image_id
        container = docker.Container(
            container_name,
            name=target.name if published else None,
            image=image_id,
            must_run=True,
            restart="always",
            wait=True,
            wait_timeout=target.wait_seconds,
            # No start period: within one, newer versions of Docker look only every five seconds. Not once a second, as
            # the provider looks: what gets healthy a moment after it has looked would cost a second more.
            healthcheck={"tests": ["CMD", *health_command(app)], "interval": "800ms", "timeout": "5s", "retries": 2},
            labels=[{"label": key, "value": value} for key, value in sorted(_labels(args).items())],
            envs=_environment(app).apply(_assignments),
            uploads=_uploads(target.files),
            volumes=[
                {"container_path": path, "volume_name": volume} for path, volume in sorted(target.volumes.items())
            ],
            ports=[{"internal": app.port, "external": target.publish.port, "ip": target.publish.address}]
            if target.publish
            else [],
            networks_advanced=[{"name": target.network}] if target.host else [],
            memory=mebibytes(app.memory),
            memory_swap=mebibytes(app.memory),
            log_driver="json-file",
            log_opts={"max-size": "10m", "max-file": "3"},
            destroy_grace_seconds=target.stop_seconds,
            # Docker puts no file into a container whose root is read-only.
            read_only=not target.files,
            tmpfs=dict.fromkeys(app.writable, ""),
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


def daemon_of(target: DockerHost) -> ssh.DockerHost:
    """The Docker host that a block names."""
    return ssh.DockerHost(address=target.address, host_key=target.host_key, identity_file=target.identity_file)


def _environment(app: App) -> pulumi.Output[Mapping[str, str]]:
    """The variables of the container, in an Output that is marked as secret."""
    return pulumi.Output.secret(cast("Any", {**app.env, **app.secrets}))


def _uploads(files: Mapping[str, pulumi.Input[str]]) -> pulumi.Input[Sequence[docker.ContainerUploadArgsDict]]:
    """The files, marked as secret if the stack file has any of them encrypted; a diff shows them else."""
    uploads: list[docker.ContainerUploadArgsDict] = [
        {"file": path, "content": content} for path, content in sorted(files.items())
    ]
    return uploads if all(isinstance(content, str) for content in files.values()) else pulumi.Output.secret(uploads)


def _assignments(variables: Mapping[str, str]) -> list[str]:
    return [f"{name}={value}" for name, value in sorted(variables.items())]


def health_command(app: App) -> tuple[str, ...]:
    """The command inside of the container that tells whether it can serve: the path of a health check becomes one."""
    if app.health.command:
        return app.health.command
    url = shlex.quote(f"http://127.0.0.1:{app.port}{app.health.path}")
    script = f"if command -v wget >/dev/null; then wget -q -O /dev/null {url}; else curl -fsS -o /dev/null {url}; fi"
    return "sh", "-c", script


def mebibytes(memory: str) -> int:
    """An amount of memory as Docker's provider takes it; the block's rule lets whole Mi and Gi through."""
    return int(memory[:-2]) * {"Mi": 1, "Gi": 1024}[memory[-2:]]


def _tried_out(args: DockerAppArgs) -> Callable[[str], Awaitable[str]]:
    """Lets the image's id through once a container of it has been healthy beside the one that is to be stopped."""
    app, target = args.app, args.target

    async def check(image_id: str) -> str:
        # A volume is not shared with a trial, which might not get healthy for the lack of it.
        if pulumi.runtime.is_dry_run() or target.volumes:
            return image_id
        environment, files = await pulumi.Output.all(_environment(app), target.files).future() or ({}, {})
        trial = Trial(
            beside=target.name,
            image=image_id,
            health_check=health_command(app),
            memory=mebibytes(app.memory),
            seconds=target.wait_seconds,
            network=target.network if target.host else None,
            environment=environment,
            files=files,
            writable=app.writable,
        )
        why = await asyncio.to_thread(trial.problem, args.daemon)
        if why:
            raise pulumi.RunError(
                f"{args.image} does not get healthy on {args.daemon.address}, so the container {target.name} was not "
                f"stopped for it, and serves on:\n{why}"
            )
        return image_id

    return check


def _labels(args: DockerAppArgs) -> dict[str, str]:
    """Whose the container is, and the route to it (Traefik: Docker provider, routing configuration).

    Traefik drops a router, service or middleware that two containers define differently, on both of them. So the names
    end in a hash of what they stand for: while two containers overlap, theirs are either the same or have other names.
    """
    labels, target = {STACK_LABEL: args.owner}, args.target
    if target.host is None:
        return labels
    route = {
        "rule": f"Host(`{target.host}`)",
        "entrypoints": target.entry_point,
        "tls": "true",
        **({"tls.certresolver": target.cert_resolver} if target.cert_resolver else {}),
    }
    digest = hashlib.sha256(json.dumps([route, args.app.port], sort_keys=True).encode()).hexdigest()
    unique = f"{target.name}-{digest[:8]}"
    return labels | {
        "traefik.enable": "true",
        "traefik.docker.network": target.network,
        **{f"traefik.http.routers.{unique}.{key}": value for key, value in route.items()},
        f"traefik.http.routers.{unique}.service": unique,
        f"traefik.http.routers.{unique}.middlewares": unique,
        f"traefik.http.services.{unique}.loadbalancer.server.port": str(args.app.port),
        # A request that meets the old container while it stops is given to the new one, at once.
        f"traefik.http.middlewares.{unique}.retry.attempts": "4",
    }


def _inputs(args: DockerAppArgs) -> pulumi.Inputs:
    """What a policy pack can check; of the environment and the files the names alone."""
    app, target = args.app, args.target
    return {
        "address": target.address,
        "name": target.name,
        "image": args.image,
        "port": app.port,
        "host": target.host,
        "network": target.network,
        "entryPoint": target.entry_point,
        "publish": {"address": target.publish.address, "port": target.publish.port} if target.publish else None,
        "memory": app.memory,
        "env": sorted(app.env),
        "secrets": sorted(app.secrets),
        "files": sorted(target.files),
        "volumes": dict(target.volumes),
        "writable": list(app.writable),
    }
