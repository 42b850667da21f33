"""The program: settings -> preflight -> providers -> components -> exports."""

import os
from dataclasses import replace

import pulumi
import pulumi_gitlab as gitlab
import pulumi_kubernetes as kubernetes

from components import preflight, settings
from components.deploy_access import DeployAccess
from components.pipeline_credential import PipelineCredential, PipelineCredentialArgs
from components.web_app import WebApp

stack = settings.load()

problems = [preflight.kubernetes_problem(os.environ)]
if stack.access:
    problems.append(preflight.gitlab_problem(stack.gitlab_url))
if any(problems):
    raise pulumi.RunError("\n".join(["Nothing was changed:", *(f"  {problem}" for problem in problems if problem)]))

cluster = kubernetes.Provider(
    "cluster",
    # Empty is the ambient kubeconfig. Left out, the SDK would record this machine's path in the state.
    kubeconfig="",
    # With it, a kubeconfig that reaches the cluster by another address replaces nothing.
    cluster_identifier=stack.cluster,
)
on_cluster = pulumi.ResourceOptions(providers=[cluster])
app = stack.app

if stack.access:
    access = DeployAccess("access", stack.access.deploy, on_cluster)
    on_gitlab = gitlab.Provider("gitlab", base_url=f"{stack.gitlab_url}/api/v4/", token=stack.gitlab_token)
    PipelineCredential(
        "pipeline",
        PipelineCredentialArgs(
            project=stack.gitlab_project,
            environment=stack.access.environment,
            variable=stack.access.variable,
            kubeconfig=access.kubeconfig,
            token=access.token,
        ),
        pulumi.ResourceOptions(providers=[on_gitlab]),
    )
    pulumi.export(
        "access",
        {
            "namespace": access.namespace,
            "gitlabUrl": stack.gitlab_url,
            "gitlabProject": stack.gitlab_project,
            "environment": stack.access.environment,
            "variable": stack.access.variable,
        },
    )
    # As an output, so that the application waits for its namespace.
    app = app and replace(app, namespace=access.namespace)

if app:
    web = WebApp("app", app, on_cluster)
    pulumi.export("app", {"namespace": app.namespace, "service": web.service, "image": app.image})
