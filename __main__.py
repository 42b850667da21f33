"""The program: settings -> preflight -> providers -> components -> exports."""

# ruff: noqa: E402 - the engine may cancel at any moment from here on
import signal

# A run that is cancelled, as by any resource that fails, ends without a Python traceback below the reason.
signal.signal(signal.SIGINT, signal.SIG_DFL)

import os

import pulumi
import pulumi_docker as docker
import pulumi_gitlab as gitlab
import pulumi_kubernetes as kubernetes

from components import preflight
from components.access.deploy_access import DeployAccess, DeployAccessArgs
from components.access.pipeline_credential import PipelineCredential, credentials, summary
from components.access.registry_access import RegistryAccess, RegistryAccessArgs
from components.docker_app.docker_app import DockerApp, DockerAppArgs, daemon_of
from components.image import last_run
from components.kubernetes_app.kubernetes_app import KubernetesApp, KubernetesAppArgs
from components.settings import settings
from components.settings.stack import PROJECT

left = last_run.outputs()
stack = settings.load(left.get("deployment"), os.environ)
scalars, access, registry, app = stack.scalars, stack.access, stack.registry, stack.app
present = preflight.require(stack, os.environ, preview=pulumi.runtime.is_dry_run())
image = stack.image.deployed.image if stack.image else ""
rolled_out: list[pulumi.Output[str]] = []
on_cluster = on_gitlab = pulumi.ResourceOptions()
if stack.needs_cluster:
    cluster = kubernetes.Provider(
        "cluster",
        # Empty is the ambient kubeconfig. Left out, the SDK would record this machine's path in the state.
        kubeconfig="",
        # With it, a kubeconfig that reaches the cluster by another address replaces nothing.
        cluster_identifier=scalars.cluster,
        # A Secret keeps its name when its content changes.
        enable_secret_mutable=True,
    )
    on_cluster = pulumi.ResourceOptions(providers=[cluster])
if stack.needs_gitlab:
    gitlab_provider = gitlab.Provider("gitlab", base_url=f"{scalars.gitlab_url}/api/v4/", token=scalars.gitlab_token)
    on_gitlab = pulumi.ResourceOptions(providers=[gitlab_provider])

namespace: pulumi.Input[str] | None = stack.kubernetes.namespace if stack.kubernetes else None
if access:
    deploy = DeployAccess("access", DeployAccessArgs(access=access, cluster=scalars.cluster), on_cluster)
    for name, credential in credentials(access, scalars.gitlab_project, deploy).items():
        PipelineCredential(name, credential, on_gitlab)
    # As an output, so that the application waits for its namespace.
    namespace = deploy.namespace
    where = {"namespace": namespace, "gitlabUrl": scalars.gitlab_url}
    pulumi.export("access", {**summary(access, scalars.gitlab_project), **where})

pull_secret: pulumi.Output[str] | None = None
login: list[docker.ProviderRegistryAuthArgsDict] | None = None
if registry:
    both = pulumi.ResourceOptions(providers=[*(on_gitlab.providers or []), *(on_cluster.providers or [])])
    pull_args = RegistryAccessArgs(registry=registry, name=f"{PROJECT}-{stack.stack}", namespace=namespace)
    pull = RegistryAccess("registry", pull_args, both)
    pull_secret = pull.pull_secret
    login = [{"address": registry.server, "username": pull.username, "password": pull.password}]

if app and stack.kubernetes and namespace is not None:
    web_args = KubernetesAppArgs(
        app=app, target=stack.kubernetes, namespace=namespace, image=image, pull_secret=pull_secret
    )
    web = KubernetesApp("app", web_args, on_cluster)
    rolled_out.append(web.image)
    pulumi.export("app", {"namespace": namespace, "service": web.service, "image": web.image})

if app and stack.docker_host:
    docker_args = DockerAppArgs(
        app=app,
        target=stack.docker_host,
        daemon=daemon_of(stack.docker_host),
        owner=stack.owner(stack.docker_host.name),
        image=image,
        present=present,
        logins=login or (),
        left=left.get("dockerHost"),
    )
    daemon = docker_args.daemon
    host = docker.Provider("docker", host=daemon.address, ssh_opts=daemon.ssh_options, registry_auth=login)
    made = DockerApp("docker-app", docker_args, pulumi.ResourceOptions(providers=[host]))
    rolled_out.append(made.container_id)
    pulumi.export("dockerHost", {**docker_args.summary, "container": made.container, "id": made.container_id})

if stack.image:
    pulumi.log.info(str(stack.image))
    # Once it serves on every target: a run that failed has deployed nothing, as far as the next one is concerned.
    pulumi.export("deployment", pulumi.Output.all(stack.image.deployed.output, *rolled_out)[0])
