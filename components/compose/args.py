"""ComposeArgs: a compose project on a Docker host, completed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi
import pulumi_docker as docker

from components.compose.model import Project, Service
from components.compose.names import of_container
from components.compose.present import Present
from components.docker_app.listed_container import ListedContainer
from components.docker_app.remote_docker import RemoteDocker
from components.image.reference import ImageReference
from components.outputs import ComposeOutput, ComposeServiceOutput, SwapOutput
from components.settings import image_rules
from components.settings.docker_host import DockerHost
from components.settings.rule import require


@dataclass(frozen=True, kw_only=True)
class ComposeArgs:
    """What runs and where, as the compose files and the stack file say it. Raises ValueError on a mutable image."""

    project: Project
    target: DockerHost
    remote: RemoteDocker
    """The Docker host, asked for what the provider does not report."""
    owner: str
    """PROJECT/STACK/NAME, the value of the label `gitlab-deploy.stack`."""
    identity: str
    """The id of the stack, by which its containers are known."""
    kept_identity: pulumi.Input[str]
    """The same, once the state has it: the value of the label `gitlab-deploy.id`."""
    image: ImageReference
    """The stack's image."""
    values: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)
    """The encrypted values that the files use, by their names."""
    present: Present | None = None
    """What was on the host before this run; None if the host could not be asked."""
    api: str | None = None
    """Version of the host's Engine API, such as 1.44; None if the host could not be asked."""
    leftovers: tuple[ListedContainer, ...] = ()
    """Containers that are the stack's own, or that it takes over, and that its state does not know."""
    networks: Mapping[str, str] = field(default_factory=dict)
    """Ids of the networks, by their names, that exist and become the stack's own."""
    logins: Sequence[docker.ProviderRegistryAuthArgsDict] = ()
    """Registries the host pulls from, each with its user name and password, as the provider has them."""
    previous: ComposeOutput[str] | None = None
    """The output `compose` of the last successful run; None if there was none."""
    swaps: Mapping[str, SwapOutput] = field(default_factory=dict)
    """The output `swaps` of that run: what it noted of each container that is swapped."""
    kept: Mapping[str, str] = field(default_factory=dict)
    """The names of the containers in the state, by those of their resources."""

    def __post_init__(self) -> None:
        require("image", str(self.image), image_rules.IMMUTABLE)

    def image_of(self, service: str) -> str:
        """The reference of the image that a service runs."""
        return self.project.services[service].image or str(self.image)

    @property
    def known_api(self) -> str | None:
        """Version of the host's Engine API, of now or of the last run that asked; None if none did."""
        return self.api or (self.previous.get("api") if self.previous else None)

    def has_another_image(self, service: Service) -> bool:
        """Whether the last successful run has deployed another image of a service."""
        known = self.known(service.name)
        return known is not None and known["image"] != self.image_of(service.name)

    def is_defined_so(self, service: Service) -> bool:
        """Whether a container of this definition of a service runs, be it of another image."""
        own = of_container(self.project, service, self.owner).items()
        running = self.present.serving(service.name, self.identity) if self.present else ()
        return any(own <= one.labels.items() for one in running)

    def known(self, service: str) -> ComposeServiceOutput[str] | None:
        """What the last successful run says of a service."""
        return self.previous["services"].get(service) if self.previous else None
