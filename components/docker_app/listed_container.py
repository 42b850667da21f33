"""The containers of a Docker host, as its Engine API lists them. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from components.docker_app.labels import STACK_LABEL
from components.printable import printable

_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]*", re.ASCII)
_ID = re.compile(r"[0-9a-f]{12,64}", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class ListedContainer:
    """A container, whoever made it."""

    id: str
    name: str
    labels: Mapping[str, str] = field(default_factory=dict)
    """Those of somebody else's container hold whatever that somebody likes."""

    @property
    def owner(self) -> str:
        """PROJECT/STACK/NAME of the stack that made it; empty if none did."""
        return self.labels.get(STACK_LABEL, "")

    @property
    def shown(self) -> str:
        """Its name, fit to be shown."""
        return printable(self.name)

    @property
    def removal(self) -> str:
        """How to remove it, in quotes: a command only if nothing in it can be taken for anything else."""
        for word, form in ((self.name, _NAME), (self.id, _ID)):
            if form.fullmatch(word):
                return f"'docker rm --force {word}'"
        return "'docker rm --force' and its id"

    def routes(self, host: str) -> bool:
        """Whether it has a Traefik router for this host name."""
        return any(
            f"Host(`{host}`)" in rule
            for label, rule in self.labels.items()
            if label.startswith("traefik.http.routers.") and label.endswith(".rule")
        )


def read_listing(answer: list[dict[str, Any]]) -> tuple[ListedContainer, ...]:
    """From the answer of `GET /containers/json`."""
    return tuple(
        ListedContainer(id=item["Id"], name=_own_name(item.get("Names") or []), labels=item.get("Labels") or {})
        for item in answer
    )


def _own_name(names: list[str]) -> str:
    """Docker puts a `/` in front, and lists names too by which others link to the container, such as `/web/alias`."""
    return next((name[1:] for name in names if name.startswith("/") and "/" not in name[1:]), "")
