"""Each component registers with inputs that a policy pack can check, and none of them is a secret."""

from typing import Any

import pulumi
import pytest

from components.access.deploy_access import DeployAccess, DeployAccessArgs
from components.access.pipeline_credential import PipelineCredential, PipelineCredentialArgs
from components.access.registry_access import RegistryAccess, RegistryAccessArgs
from components.docker_app.docker_app import DockerApp, DockerAppArgs
from components.docker_app.ssh import DockerHost
from components.kubernetes_app.kubernetes_app import WebApp, WebAppArgs
from tests.support import recorder

CANARY = "canary-5uVw9Qz7"


def declare() -> None:
    """One of each component, with the canary wherever a secret goes."""
    DeployAccess(
        "access",
        DeployAccessArgs(
            namespace="example", service_account="gitlab", cluster="sandbox", server="https://k8s.example.org:6443"
        ),
    )
    secret = pulumi.Output.secret(CANARY)
    PipelineCredential(
        "pipeline",
        PipelineCredentialArgs(
            project="group/blog", environment="production", variable="file", kubeconfig=secret, token=secret
        ),
    )
    RegistryAccess("registry", RegistryAccessArgs(project="group/blog", registry="registry.example.org", name="prod"))
    WebApp("app", WebAppArgs(namespace="example", image="blog:1", port=8080, env={"PLAIN": CANARY}))
    DockerApp(
        "docker",
        DockerAppArgs(
            daemon=DockerHost(address="ssh://deploy@host", host_key="ssh-ed25519 AAAA", identity_file=None),
            name="blog",
            owner="project/prod/blog",
            image="blog:1",
            port=8080,
            health_check=("true",),
            environment={"PASSWORD": CANARY},
            files={"/etc/password": CANARY},
            logins=[{"address": "registry.example.org", "username": "u", "password": CANARY}],
        ),
    )


EXPECTED: dict[str, dict[str, Any]] = {
    "DeployAccess": {"namespace": "example", "serviceAccount": "gitlab", "protect": True},
    "PipelineCredential": {"project": "group/blog", "environment": "production", "protected": True},
    "RegistryAccess": {"project": "group/blog", "registry": "registry.example.org"},
    "WebApp": {"namespace": "example", "image": "blog:1", "replicas": 2, "env": ["PLAIN"]},
    "DockerApp": {"address": "ssh://deploy@host", "image": "blog:1", "env": ["PASSWORD"], "files": ["/etc/password"]},
}


@pytest.mark.parametrize("component", EXPECTED)
def test_a_component_registers_with_inputs_that_a_policy_can_check(component: str) -> None:
    declared = recorder.deploy(declare, preview=True).one(f"gitlab-deploy:index:{component}")
    assert {key: declared.inputs.get(key) for key in EXPECTED[component]} == EXPECTED[component]


def test_no_input_of_a_component_is_a_secret_or_holds_one() -> None:
    components = [
        item for item in recorder.deploy(declare, preview=True).declarations if item.type.startswith("gitlab-deploy:")
    ]
    assert len(components) == len(EXPECTED)
    assert [item.type for item in components if item.secret or CANARY in str(item.inputs)] == []
