"""The program: settings -> preflight -> providers -> components -> exports."""

import os
from dataclasses import replace

import pulumi
import pulumi_docker as docker
import pulumi_gitlab as gitlab
import pulumi_kubernetes as kubernetes

from components import preflight
from components.access.deploy_access import DeployAccess
from components.access.pipeline_credential import PipelineCredential
from components.access.registry_access import RegistryAccess
from components.docker_app.docker_app import DockerApp
from components.image import last_run
from components.kubernetes_app.kubernetes_app import WebApp
from components.settings import settings

previous = last_run.previous_outputs()
stack = settings.load(previous, os.environ)
access, registry, app, docker_app = stack.access, stack.registry, stack.app, stack.docker_app
present = preflight.require(stack, os.environ, preview=pulumi.runtime.is_dry_run())
rolled_out: list[pulumi.Output[str]] = []
on_cluster = on_gitlab = pulumi.ResourceOptions()
if stack.needs_cluster:
    cluster = kubernetes.Provider(
        "cluster",
        # Empty is the ambient kubeconfig. Left out, the SDK would record this machine's path in the state.
        kubeconfig="",
        # With it, a kubeconfig that reaches the cluster by another address replaces nothing.
        cluster_identifier=stack.cluster,
        # The pull secret keeps its name when its token changes.
        enable_secret_mutable=True,
    )
    on_cluster = pulumi.ResourceOptions(providers=[cluster])
if stack.needs_gitlab:
    gitlab_provider = gitlab.Provider("gitlab", base_url=f"{stack.gitlab_url}/api/v4/", token=stack.gitlab_token)
    on_gitlab = pulumi.ResourceOptions(providers=[gitlab_provider])

if access:
    deploy = DeployAccess("access", access.deploy, on_cluster)
    for name, credential in access.credentials(deploy).items():
        PipelineCredential(name, credential, on_gitlab)
    # As an output, so that the application waits for its namespace.
    app = app and replace(app, namespace=deploy.namespace)
    pulumi.export("access", {**access.summary, "namespace": deploy.namespace, "gitlabUrl": stack.gitlab_url})

login: list[docker.ProviderRegistryAuthArgsDict] | None = None
if registry:
    both = pulumi.ResourceOptions(providers=[*(on_gitlab.providers or []), *(on_cluster.providers or [])])
    namespace = app.namespace if app else deploy.namespace if access else None
    pull = RegistryAccess("registry", replace(registry, namespace=namespace), both)
    app = app and replace(app, pull_secret=pull.pull_secret)
    login = [{"address": registry.registry, "username": pull.username, "password": pull.password}]

if app:
    web = WebApp("app", app, on_cluster)
    rolled_out.append(web.image)
    pulumi.export("app", {"namespace": app.namespace, "service": web.service, "image": web.image})

if docker_app:
    daemon = docker_app.daemon
    host = docker.Provider("docker", host=daemon.address, ssh_opts=daemon.ssh_options, registry_auth=login)
    docker_app = replace(docker_app, present=present, left=previous.get("dockerHost"), logins=login or ())
    made = DockerApp("docker-app", docker_app, pulumi.ResourceOptions(providers=[host]))
    rolled_out.append(made.container_id)
    pulumi.export("dockerHost", {**docker_app.summary, "container": made.container, "id": made.container_id})

if stack.image:
    pulumi.log.info(str(stack.image))
    # Once it serves on every target: a run that failed has deployed nothing, as far as the next one is concerned.
    deployed = stack.image.deployed
    pulumi.export("deployment", pulumi.Output.all(deployed.output, *rolled_out)[0])
    pulumi.export("deploymentHistory", pulumi.Output.secret(pulumi.Output.all(deployed.history, *rolled_out)[0]))
