"""What there is on a Docker host: containers, networks and volumes. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from components.compose.names import SERVICE_LABEL
from components.docker_app.listed_container import ListedContainer


@dataclass(frozen=True, kw_only=True)
class Named:
    """A network or a volume."""

    id: str
    """Of a volume, its name."""
    name: str
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Present:
    """What there was before this run."""

    containers: tuple[ListedContainer, ...] = ()
    networks: Mapping[str, Named] = field(default_factory=dict)
    """By their names."""
    volumes: Mapping[str, Named] = field(default_factory=dict)
    """By their names."""

    def serving(self, service: str, identity: str) -> list[ListedContainer]:
        """The containers of a service that are not stopped and belong to the stack with this id."""
        return [
            one
            for one in self.containers
            if one.identity == identity and one.labels.get(SERVICE_LABEL) == service and not one.is_stopped
        ]
