"""What there is on a Docker host: containers, networks and volumes. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field

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
