"""A compose project as it is to run: typed, and with everything that compose would complete. Pure.

Texts may hold marks of encrypted values (see `interpolation`) where a field says so.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Condition = Literal["service_started", "service_healthy", "service_completed_successfully"]


@dataclass(frozen=True, kw_only=True)
class Port:
    """A port that is published on the host."""

    internal: int
    external: int | None = None
    """None: one that Docker chooses."""
    address: str | None = None
    """None: every address of the host."""
    protocol: str = "tcp"


@dataclass(frozen=True, kw_only=True)
class Mount:
    """A named volume, a path of the host or an anonymous volume at a path of the container."""

    target: str
    volume: str | None = None
    """Key of the volume in the file."""
    host_path: str | None = None
    read_only: bool = False
    selinux: str | None = None
    propagation: str | None = None
    no_copy: bool = False
    subpath: str | None = None

    @property
    def is_exclusive(self) -> bool:
        """Whether only one container at a time should hold it."""
        is_socket = bool(self.host_path and self.host_path.endswith(".sock"))
        return not self.read_only and not is_socket and bool(self.volume or self.host_path)


@dataclass(frozen=True, kw_only=True)
class Attachment:
    """A network that a service is on."""

    network: str
    """Key of the network in the file."""
    aliases: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    """As Docker's provider takes them."""


@dataclass(frozen=True, kw_only=True)
class Upload:
    """A file that is put into the container."""

    target: str
    content: str | None = None
    """May hold marks."""
    base64: str | None = None
    """In place of `content` if it is no UTF-8."""
    mode: str = "0644"
    owner: str | None = None
    group: str | None = None
    is_secret: bool = False
    """Whether it is one of `secrets`: no diff and no state shows it, whatever its content came from."""


@dataclass(frozen=True, kw_only=True)
class Healthcheck:
    """How Docker asks whether a container is healthy."""

    test: tuple[str, ...] | None = None
    """None: the image's own; ("NONE",) for none at all. May hold marks."""
    interval: str | None = None
    timeout: str | None = None
    start_period: str | None = None
    start_interval: str | None = None
    retries: int | None = None

    @property
    def is_off(self) -> bool:
        """Whether nothing is asked."""
        return self.test == ("NONE",)


@dataclass(frozen=True, kw_only=True)
class Dependency:
    """A service that another one waits for."""

    service: str
    condition: Condition = "service_started"


@dataclass(frozen=True, kw_only=True)
class Service:
    """A service: one container."""

    name: str
    where: str
    """FILE:LINE."""
    image: str
    """Reference of another's image; empty if it is the stack's."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """May hold marks."""
    has_env_file: bool = False
    """Whether its environment is secret as a whole: a file that `env_file` names usually holds passwords."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """May hold marks."""
    command: tuple[str, ...] | None = None
    """May hold marks."""
    entrypoint: tuple[str, ...] | None = None
    """May hold marks."""
    ports: tuple[Port, ...] = ()
    mounts: tuple[Mount, ...] = ()
    uploads: tuple[Upload, ...] = ()
    networks: tuple[Attachment, ...] = ()
    network_mode: str | None = None
    depends_on: tuple[Dependency, ...] = ()
    healthcheck: Healthcheck | None = None
    container_name: str | None = None
    stop_seconds: int = 10
    """Compose's own default."""
    restart: str = "no"
    stays_down: bool = False
    """Whether the file says that nothing starts it again: once it is over, it is left alone."""
    max_retries: int | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    """Other arguments of docker.Container, by their names there."""

    @property
    def is_stacks_own(self) -> bool:
        """Whether it runs the image that CI sets."""
        return not self.image

    @property
    def may_end(self) -> bool:
        """Whether Docker does not start it again once it is over."""
        return self.restart == "no"

    @property
    def is_routed(self) -> bool:
        """Whether its labels have Traefik send requests to it."""
        enabled = self.labels.get("traefik.enable", "").lower()
        has_router = any(label.lower().startswith("traefik.http.routers.") for label in self.labels)
        return enabled == "true" or (has_router and enabled != "false")

    @property
    def is_swapped(self) -> bool:
        """Whether a new container can run beside the old one."""
        is_alone = any(port.external for port in self.ports) or any(mount.is_exclusive for mount in self.mounts)
        has_address = any({"ipv4_address", "ipv6_address", "mac_address"} & one.options.keys() for one in self.networks)
        is_free = not is_alone and not self.is_streamed and not has_address
        return self.is_routed and is_free and self.network_mode in {None, "bridge"}

    @property
    def is_streamed(self) -> bool:
        """Whether its labels have Traefik send TCP or UDP to it: of those, two containers would be one server pool."""
        return any(label.lower().startswith(("traefik.tcp.", "traefik.udp.")) for label in self.labels)


@dataclass(frozen=True, kw_only=True)
class Network:
    """A network of the project, or an external one."""

    key: str
    where: str
    name: str
    is_external: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)
    """Other arguments of docker.Network, by their names there."""


@dataclass(frozen=True, kw_only=True)
class Volume:
    """A volume of the project, or an external one."""

    key: str
    where: str
    name: str
    is_external: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)
    """Other arguments of docker.Volume, by their names there."""


@dataclass(frozen=True, kw_only=True)
class Project:
    """What the files declare."""

    name: str
    services: Mapping[str, Service]
    """In an order in which each comes after those it depends on."""
    networks: Mapping[str, Network]
    """By their keys; those that a service is on."""
    volumes: Mapping[str, Volume]
    """By their keys; those that a service mounts."""
    notes: tuple[str, ...] = ()
    """What has no effect, to be shown."""

    @property
    def completed(self) -> frozenset[str]:
        """Services that run to their end: others wait for that."""
        return frozenset(
            one.service
            for service in self.services.values()
            for one in service.depends_on
            if one.condition == "service_completed_successfully"
        )
