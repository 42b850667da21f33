"""The program: settings -> preflight -> providers -> components -> exports."""

from __future__ import annotations

# ruff: noqa: E402, PLC0415 - the engine may cancel at any moment from here on; what a stack does not have is not loaded
import time

begun = time.monotonic()

from components import prerequisites

prerequisites.require()

from components import cancellation, garbage, sdk

cancellation.install()
garbage.postpone()
# A part that the stack does not have costs no run the loading of its SDK.
sdk.load_as_used()

import os
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pulumi
import pulumi_docker as docker
import pulumi_gitlab as gitlab
import pulumi_kubernetes as kubernetes

from components import identity, preflight, summary
from components.beside import Beside
from components.cluster import check as cluster_check
from components.cluster.reading import ClusterCheck, Reading
from components.image import last_run
from components.outputs import StackOutputs
from components.settings import settings
from components.settings.stack import PROJECT

if TYPE_CHECKING:
    from components.compose.host import HostState
    from components.compose.model import Project
    from components.docker_app.host_check import HostCheck
    from components.kubernetes_app import image_check
    from components.manifests.reader import Read
    from components.settings.docker_host import DockerHost

adopted, offline = settings.adopted(os.environ), settings.is_offline(os.environ)
checking: list[Beside[HostCheck]] = []


def check_at_once(target: DockerHost) -> None:
    """Has the Docker host looked at while the rest is read, loaded and checked."""
    from components.docker_app.host_check import check_host

    checking.append(Beside(partial(check_host, target)))


previous = last_run.previous_outputs()
stack = settings.load(previous, os.environ, None if offline else check_at_once)
login: list[docker.ProviderRegistryAuthArgsDict] | None = None
on_host: docker.Provider | None = None
kept: dict[str, str] = {}
if stack.docker_host:
    from components.docker_app import daemon, leftovers

    login = daemon.own_login(stack.registry)
    if not offline and (login or not stack.registry) and daemon.is_kept(stack.docker_host, previous):
        # It may start while the rest is checked: a run that is refused leaves no provider that leads elsewhere.
        on_host = daemon.provider(stack.docker_host, login)
    # The engine hears of it in here.
    kept = last_run.kept_names(leftovers.TYPE)
files: Read | None = None
if stack.from_manifests:
    from components.manifests import load as manifests

    stack, files = manifests.load(stack, Path(pulumi.get_root_directory() or os.curdir), os.environ)
scalars, access, registry, app, image = stack.scalars, stack.access, stack.registry, stack.app, stack.image
# These go on while the others are checked.
reading = Reading(stack) if stack.needs_cluster and not offline else None
running = (previous.get("deployment") or {"image": None})["image"]
looking: Beside[image_check.Found] | None = None
if not offline and image and str(image.deployed.image) != running:
    from components.kubernetes_app import image_check

    looking = Beside(partial(image_check.look, stack, running, os.environ))
own_id, known = identity.find(previous, offline=offline), previous.get("dockerHost")
checked: HostCheck | None = None
project: Project | None = None
project_host: HostState | None = None
if stack.docker_host:
    from components.docker_app.host_check import HostCheck
    from components.docker_app.remote_docker import RemoteDocker

    if stack.docker_host.compose:
        from components.compose import host as compose_host
        from components.compose import load as compose_load
        from components.compose.args import ComposeArgs
        from components.compose.compose import Compose

        project = compose_load.project(stack, os.environ)
    elif app:
        from components.docker_app.args import DockerAppArgs
        from components.docker_app.docker_app import DockerApp
    checked = HostCheck() if offline else checking[0].result()
    if project:
        project_host = compose_host.examine(
            project,
            RemoteDocker.of(stack.docker_host),
            checked.containers,
            identity=own_id,
            known=previous.get("compose"),
            adopted=adopted,
        )
preflight.require(
    stack,
    os.environ,
    checked,
    identity=own_id,
    known=known,
    preview=pulumi.runtime.is_dry_run(),
    project=project_host,
    reading=reading,
)
if looking:
    image_check.require(looking.result())
on_site: ClusterCheck | None = None
if reading:
    if files:
        from components.manifests import scope

        # First: of a kind that the cluster does not have, nothing can be looked up there.
        scope.require(files.manifests)
    on_site = cluster_check.require(stack, own_id, previous.get("cluster"), adopted, reading=reading)
# First of all: what carries the id waits for it.
kept_id = identity.keep(own_id)
outputs: StackOutputs[pulumi.Input[str]] = {"identity": kept_id}
rolled_out: list[pulumi.Output[str]] = []
parts: list[pulumi.Resource] = []
on_cluster = on_gitlab = pulumi.ResourceOptions()
if stack.needs_cluster:
    from components.cluster.ownership import owned_by

    has_config_maps = stack.kubernetes is not None and bool(stack.kubernetes.files or stack.kubernetes.manifests)
    outputs["cluster"] = cluster_check.output(scalars.cluster, on_site, previous.get("cluster"), stack.namespace)
    cluster = kubernetes.Provider(
        "cluster",
        # Empty is the ambient kubeconfig. Left out, the SDK would record this machine's path in the state.
        kubeconfig="",
        # With it, a kubeconfig that reaches the cluster by another address replaces nothing.
        cluster_identifier=scalars.cluster,
        # A Secret keeps its name when its content changes.
        enable_secret_mutable=True,
        # As does a ConfigMap, in a stack that has one.
        enable_config_map_mutable=True if has_config_maps else None,
    )
    on_cluster = pulumi.ResourceOptions(providers=[cluster], transformations=[owned_by(outputs["identity"])])
explained: pulumi.ErrorHook | None = None
if stack.needs_gitlab:
    from components.access import gitlab_errors

    explained = gitlab_errors.hook()
    gitlab_provider = gitlab.Provider("gitlab", base_url=f"{scalars.gitlab_url}/api/v4/", token=scalars.gitlab_token)
    on_gitlab = pulumi.ResourceOptions(providers=[gitlab_provider])

namespace: pulumi.Input[str] | None = stack.kubernetes.namespace if stack.kubernetes else None
if access:
    from components.access import kubeconfig_check
    from components.access.deploy_access import DeployAccess, DeployAccessArgs
    from components.access.pipeline_credential import PipelineCredential, access_output, credentials

    deploy = DeployAccess(
        "access", DeployAccessArgs(access=access, cluster=scalars.cluster, ask=kubeconfig_check.problem), on_cluster
    )
    parts.append(deploy)
    for name, credential in credentials(access, scalars.gitlab_project, deploy).items():
        parts.append(PipelineCredential(name, replace(credential, on_error=explained), on_gitlab))
    # As an output, so that the application waits for its namespace.
    namespace = deploy.namespace
    if deploy.namespace_uid is not None:
        outputs["cluster"]["namespaceUid"] = deploy.namespace_uid
    outputs["access"] = access_output(access, scalars, namespace)

pull_secret: pulumi.Output[str] | None = None
if registry:
    from components.access.registry_access import RegistryAccess, RegistryAccessArgs

    both = pulumi.ResourceOptions.merge(on_gitlab, on_cluster)
    pull_args = RegistryAccessArgs(
        registry=registry, name=f"{PROJECT}-{stack.stack}", namespace=namespace, on_error=explained
    )
    pull = RegistryAccess("registry", pull_args, both)
    parts.append(pull)
    pull_secret = pull.pull_secret
    login = login or [{"address": registry.server, "username": pull.username, "password": pull.password}]

if files and image and stack.kubernetes and namespace is not None:
    from components.manifests.manifests import Manifests, ManifestsArgs

    manifests_args = ManifestsArgs(
        manifests=files.manifests,
        namespace=namespace,
        image=image.deployed.image,
        secrets=stack.kubernetes.secrets_by_name,
        pull_secrets=[name for name in (pull_secret, stack.kubernetes.pull_secret) if name is not None][:1]
        + list(stack.kubernetes.pull_secrets),
        denied=bool(access and access.create_namespace and access.default_deny)
        or bool(on_site and on_site.denies(stack.namespace)),
        failed_jobs=on_site.failed_jobs if on_site else {},
        wait_seconds=stack.kubernetes.wait_seconds,
        grace_seconds=stack.kubernetes.grace_seconds,
    )
    own = Manifests("manifests", manifests_args, on_cluster)
    parts.append(own)
    rolled_out.append(own.image)
    outputs["app"] = {"namespace": namespace, "image": own.image}
    if own.service is not None:
        outputs["app"]["service"] = own.service
elif app and image and stack.kubernetes and namespace is not None:
    from components.kubernetes_app.args import KubernetesAppArgs
    from components.kubernetes_app.kubernetes_app import KubernetesApp

    web_args = KubernetesAppArgs(
        app=app, target=stack.kubernetes, namespace=namespace, image=image.deployed.image, pull_secret=pull_secret
    )
    web_args = replace(web_args, scaled=on_site.replicas if on_site else None)
    web = KubernetesApp("app", web_args, on_cluster)
    parts.append(web)
    rolled_out.append(web.image)
    outputs["app"] = {"namespace": namespace, "image": web.image}
    if web.service is None:
        outputs["app"]["worker"] = stack.kubernetes.name
    else:
        outputs["app"]["service"] = web.service

if project and project_host and image and stack.docker_host:
    compose_args = ComposeArgs(
        project=project,
        target=stack.docker_host,
        remote=RemoteDocker.of(stack.docker_host),
        owner=stack.owner(project.name),
        identity=own_id,
        kept_identity=kept_id,
        image=image.deployed.image,
        values=app.secrets if app else {},
        present=project_host.present,
        api=checked.api if checked else None,
        leftovers=project_host.leftovers,
        networks=project_host.networks,
        logins=login or (),
        previous=previous.get("compose"),
        swaps=previous.get("swaps", {}),
        kept=kept,
    )
    on_host = on_host or daemon.provider(stack.docker_host, login)
    compose = Compose("compose", compose_args, pulumi.ResourceOptions(providers=[on_host]))
    parts.append(compose)
    rolled_out.append(compose.done.apply(str))
    outputs["compose"] = compose.output
    if compose.swaps:
        pulumi.export("swaps", compose.swaps)
elif app and image and stack.docker_host:
    docker_args = DockerAppArgs(
        app=app,
        target=stack.docker_host,
        remote=RemoteDocker.of(stack.docker_host),
        owner=stack.owner(stack.docker_host.name),
        identity=own_id,
        kept_identity=kept_id,
        image=image.deployed.image,
        present=checked.containers if checked else None,
        leftovers=leftovers.find((checked and checked.containers) or (), identity=own_id, known=known, adopted=adopted),
        logins=login or (),
        previous=known,
        swapped=previous.get("swaps", {}).get("docker-app"),
        kept=kept.get("docker-app-container"),
    )
    on_host = on_host or daemon.provider(stack.docker_host, login)
    docker_app = DockerApp("docker-app", docker_args, pulumi.ResourceOptions(providers=[on_host]))
    parts.append(docker_app)
    rolled_out.append(docker_app.container_id)
    outputs["dockerHost"] = docker_args.output(docker_app.container, docker_app.container_id)
    if stack.docker_host.host:
        pulumi.export("swaps", {"docker-app": docker_app.swap})

if access and access.create_namespace:
    from components.protection import Protection

    Protection("access.protect", parts, protect=access.protect)

addresses = summary.addresses(stack, project) if image else {}
if addresses:
    outputs["addresses"] = addresses
for key, value in outputs.items():
    pulumi.export(key, value)
if image:
    pulumi.log.info(str(image))
    # Once it serves on every target: a run that failed has deployed nothing, as far as the next one is concerned.
    pulumi.export("deployment", pulumi.Output.all(image.deployed.output, *rolled_out)[0])
    pulumi.export("deploymentHistory", pulumi.Output.secret(pulumi.Output.all(image.deployed.history, *rolled_out)[0]))
    if rolled_out and not pulumi.runtime.is_dry_run():
        deployed = image.deployed
        pulumi.Output.all(*rolled_out).apply(
            lambda _: pulumi.log.info(summary.summary(deployed, addresses, time.monotonic() - begun))
        )
garbage.resume()
