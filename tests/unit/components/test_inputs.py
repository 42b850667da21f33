"""Each component registers with inputs that a policy pack can check, and none of them is a secret."""

from typing import Any

import pulumi
import pytest

from components.access.deploy_access import DeployAccess, DeployAccessArgs
from components.access.pipeline_credential import PipelineCredential, PipelineCredentialArgs
from components.access.registry_access import RegistryAccess, RegistryAccessArgs
from components.docker_app.args import DockerAppArgs
from components.docker_app.docker_app import DockerApp
from components.docker_app.remote_docker import RemoteDocker
from components.image.reference import ImageReference
from components.kubernetes_app.args import KubernetesAppArgs
from components.kubernetes_app.kubernetes_app import KubernetesApp
from components.settings.access import Access
from components.settings.app import App, Health
from components.settings.docker_host import DockerHost
from components.settings.kubernetes import Kubernetes
from components.settings.registry import Registry
from tests.support import recorder

BLOG = ImageReference.parse("blog:1")
CANARY = "canary-5uVw9Qz7"
HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIN1TP8Zk3fIPC98LZDnN3wH4hrQAwW1FW7pZb4FaV/b1"
APP = App(port=8080, health=Health(command=("true",)), env={"PLAIN": CANARY}, secrets={"PASSWORD": CANARY})
TARGET = DockerHost(
    address="ssh://deploy@host",
    host_key=HOST_KEY,
    name="blog",
    host="blog.example.org",
    files={"/etc/password": CANARY},
)


def declare() -> None:
    """One of each component, with the canary wherever a secret goes."""
    access = Access(namespace="example", service_account="gitlab", server="https://k8s.example.org:6443")
    DeployAccess("access", DeployAccessArgs(access=access, cluster="sandbox"))
    secret = pulumi.Output.secret(CANARY)
    credential = PipelineCredentialArgs(
        project="group/blog", environment="production", variable="file", kubeconfig=secret, token=secret
    )
    PipelineCredential("pipeline", credential)
    registry = Registry(server="registry.example.org", project="group/blog")
    RegistryAccess("registry", RegistryAccessArgs(registry=registry, name="prod"))
    KubernetesApp(
        "app",
        KubernetesAppArgs(
            app=App(port=8080, env={"PLAIN": CANARY}), target=Kubernetes(replicas=3), namespace="example", image=BLOG
        ),
    )
    DockerApp(
        "docker",
        DockerAppArgs(
            app=APP,
            target=TARGET,
            remote=RemoteDocker.of(TARGET),
            owner="project/prod/blog",
            identity="own-id",
            kept_identity="own-id",
            image=BLOG,
            logins=[{"address": "registry.example.org", "username": "u", "password": CANARY}],
        ),
    )


EXPECTED: dict[str, dict[str, Any]] = {
    "DeployAccess": {"namespace": "example", "serviceAccount": "gitlab", "protect": True},
    "PipelineCredential": {"project": "group/blog", "environment": "production", "protected": True},
    "RegistryAccess": {"project": "group/blog", "server": "registry.example.org"},
    "KubernetesApp": {"namespace": "example", "image": "blog:1", "replicas": 3, "env": ["PLAIN"]},
    "DockerApp": {"image": "blog:1", "env": ["PLAIN"], "secrets": ["PASSWORD"], "files": ["/etc/password"]},
}


@pytest.mark.parametrize("component", EXPECTED)
def test_a_component_registers_with_inputs_that_a_policy_can_check(component: str) -> None:
    declared = recorder.deploy(declare, preview=True).one(f"gitlab-deploy:index:{component}")
    assert {key: declared.inputs.get(key) for key in EXPECTED[component]} == EXPECTED[component]


def test_no_input_of_a_component_is_a_secret_or_holds_one() -> None:
    declarations = recorder.deploy(declare, preview=True).declarations
    components = [item for item in declarations if item.type.startswith("gitlab-deploy:")]
    assert len(components) == len(EXPECTED)
    assert [item.type for item in components if item.secret or CANARY in str(item.inputs)] == []
