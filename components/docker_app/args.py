"""DockerAppArgs: what an application on a Docker host is, completed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_docker as docker

from components.docker_app.listed_container import ListedContainer
from components.docker_app.remote_docker import RemoteDocker
from components.image.reference import ImageReference
from components.outputs import DockerHostOutput, SwapOutput
from components.settings import image_rules, rules
from components.settings.app import App
from components.settings.docker_host import DockerHost
from components.settings.rule import require


@dataclass(frozen=True, kw_only=True)
class DockerAppArgs:
    """What runs and where, as the stack file says it, and its image. Raises ValueError on a mutable image."""

    app: App
    target: DockerHost
    """Its name is filled in."""
    remote: RemoteDocker
    """The Docker host, asked for what the provider does not report."""
    owner: str
    """PROJECT/STACK/NAME, the value of the label `gitlab-deploy.stack`."""
    identity: str
    """The id of the stack, by which its containers are known."""
    kept_identity: pulumi.Input[str]
    """The same, once the state has it: the value of the label `gitlab-deploy.id`."""
    image: ImageReference
    """Image of the container."""
    present: tuple[ListedContainer, ...] | None = None
    """The containers that were on the host before this run; None if the host could not be asked."""
    leftovers: tuple[ListedContainer, ...] = ()
    """Those of them that are the stack's own and that its state does not know."""
    logins: Sequence[docker.ProviderRegistryAuthArgsDict] = ()
    """Registries the host pulls from, each with its user name and password, as the provider has them."""
    previous: DockerHostOutput[str] | None = None
    """The output `dockerHost` of the last successful run; None if there was none."""
    swapped: SwapOutput | None = None
    """What that run noted of its container; None without a route."""
    kept: str | None = None
    """Name of the container in the state, also one that a failed run left there; None if there is none."""

    def __post_init__(self) -> None:
        require("image", str(self.image), image_rules.IMMUTABLE)
        require("target.name", self.target.name, rules.DNS_LABEL)

    def output(self, container: pulumi.Input[str], id_: pulumi.Input[str]) -> DockerHostOutput[pulumi.Input[str]]:
        """What runs where, for the stack's outputs."""
        plain: DockerHostOutput[pulumi.Input[str]] = {
            "address": self.target.address,
            "hostKey": self.target.host_key,
            "identityFile": self.target.identity_file,
            "image": str(self.image),
            "host": self.target.host,
            "container": container,
            "id": id_,
        }
        return plain if self.target.tls else {**plain, "tls": False}
