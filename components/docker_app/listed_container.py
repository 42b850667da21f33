"""The containers of a Docker host, as its Engine API lists them. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from components.docker_app.labels import ID_LABEL, STACK_LABEL
from components.docker_app.traefik_rules import takes_all, takes_some
from components.printable import printable

_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]*", re.ASCII)
_ID = re.compile(r"[0-9a-f]{12,64}", re.ASCII)
_UNNAMED = re.compile(r"[0-9a-f]{64}", re.ASCII)
_EXITED = re.compile(r"Exited \(([0-9]+)\)")
_COMPOSE_LABEL = "com.docker.compose.project"
_WILDCARDS = ("0.0.0.0", "::")  # noqa: S104 - what a container holds
_STOPPED = ("created", "exited", "dead")


@dataclass(frozen=True, kw_only=True)
class ListedContainer:
    """A container, whoever made it."""

    id: str
    name: str
    labels: Mapping[str, str] = field(default_factory=dict)
    """Those of somebody else's container hold whatever that somebody likes."""
    state: str = "running"
    """created, running, paused, restarting, removing, exited or dead."""
    exit_code: int | None = None
    """Of one that has exited."""
    is_unhealthy: bool = False
    published: tuple[tuple[str, int], ...] = ()
    """Address and number of each TCP port of the host that it holds."""
    unnamed: Mapping[str, str] = field(default_factory=dict)
    """The volumes that Docker has named itself, by the paths where they are mounted."""

    @property
    def identity(self) -> str:
        """The id of the stack that made it; empty if none did."""
        return self.labels.get(ID_LABEL, "")

    @property
    def shown(self) -> str:
        """Its name in quotes, and whose it says it is, fit to be shown."""
        for label, form in ((STACK_LABEL, "stack {}, of another state"), (_COMPOSE_LABEL, "compose project {}")):
            if self.labels.get(label):
                return f"{self.quoted} ({form.format(repr(printable(self.labels[label])))})"
        return self.quoted

    @property
    def quoted(self) -> str:
        """Its name in quotes, fit to be shown."""
        return f"'{printable(self.name)}'"

    @property
    def removal(self) -> str:
        """How to remove it, in quotes: a command only if nothing in it can be taken for anything else."""
        for word, form in ((self.name, _NAME), (self.id, _ID)):
            if form.fullmatch(word):
                return f"'docker stop {word} && docker rm {word}'"
        return "'docker stop' and 'docker rm' with its id"

    @property
    def is_stopped(self) -> bool:
        """Whether it has no process."""
        return self.state in _STOPPED

    def takes(self, host: str, entry_point: str) -> bool:
        """Whether a Traefik router of it gets requests that another one for this host at this entry point should."""
        return not self.is_stopped and any(
            takes_all(rule, host) and (not entry_points or entry_point in entry_points)
            for rule, entry_points in self._routers
        )

    def priority(self, host: str) -> int | None:
        """The highest priority of its Traefik routers that take every request for this host; None if none does."""
        lower = {label.lower(): text for label, text in self.labels.items()}
        found = [
            # As long as the rule, if none is given (Traefik: Routers, priority).
            int(given) if (given := lower.get(f"{label[:-5]}.priority", "0")).isdigit() and int(given) else len(rule)
            for label, rule in lower.items()
            if label.startswith("traefik.http.routers.") and label.endswith(".rule") and takes_all(rule, host)
        ]
        return max(found, default=None)

    def touches(self, host: str) -> bool:
        """Whether a Traefik router of it takes part in this host, such as with a path of it, or once it is started."""
        return any(takes_some(rule, host) for rule, _ in self._routers)

    def holds(self, address: str, port: int) -> bool:
        """Whether nobody else can publish this port at this address; IPv6 has ports of its own."""
        return any(
            number == port
            and (":" in held) == (":" in address)
            and (held == address or held in _WILDCARDS or address in _WILDCARDS)
            for held, number in self.published
        )

    @property
    def _routers(self) -> list[tuple[str, set[str]]]:
        """Rule and entry points of each; no entry points stand for all of them."""
        if self.labels.get("traefik.enable", "").lower() == "false":
            return []
        # The names of labels are case-insensitive to Traefik.
        lower = {label.lower(): text for label, text in self.labels.items()}
        return [
            (rule, {name.strip() for name in lower.get(f"{label[:-5]}.entrypoints", "").split(",")} - {""})
            for label, rule in lower.items()
            if label.startswith("traefik.http.routers.") and label.endswith(".rule")
        ]


def read_listing(answer: list[dict[str, Any]]) -> tuple[ListedContainer, ...]:
    """From the answer of `GET /containers/json`."""
    return tuple(
        ListedContainer(
            id=item["Id"],
            name=_own_name(item.get("Names") or []),
            labels=item.get("Labels") or {},
            state=item.get("State") or "running",
            exit_code=int(code[1]) if (code := _EXITED.match(item.get("Status") or "")) else None,
            # The API of Docker 20.10 has the health in this text alone.
            is_unhealthy="(unhealthy)" in (item.get("Status") or ""),
            published=tuple(
                (port.get("IP") or "0.0.0.0", port["PublicPort"])  # noqa: S104 - what Docker means
                for port in item.get("Ports") or []
                if port.get("PublicPort") and port.get("Type") == "tcp"
            ),
            unnamed={
                mount["Destination"]: mount["Name"]
                for mount in item.get("Mounts") or []
                if mount.get("Type") == "volume" and _UNNAMED.fullmatch(mount.get("Name") or "")
            },
        )
        for item in answer
    )


def _own_name(names: list[str]) -> str:
    """Docker puts a `/` in front, and lists names too by which others link to the container, such as `/web/alias`."""
    return next((name[1:] for name in names if name.startswith("/") and "/" not in name[1:]), "")
