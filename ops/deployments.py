"""The runs of a stack that changed it, from what `pulumi stack history --json` prints. Pure."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from components.image.reference import ImageReference

IMAGE = "gitlab-deploy:image"
SHOWN = 30
"""So many runs are read, the last ones."""


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """One run."""

    begun: datetime
    seconds: int
    kind: str
    """As Pulumi calls it: update, destroy, refresh."""
    succeeded: bool
    image: str | None
    """That the stack file named; None if it names none, and the image of the run before stays."""
    commit: str | None
    url: str | None
    """Page of the job in GitLab; None if a developer ran it."""
    pipeline: str | None
    """Its number in the project."""
    changes: Mapping[str, int]
    """How many resources were created, updated, replaced and deleted."""

    @property
    def ended(self) -> datetime:
        """When it ended."""
        return self.begun + timedelta(seconds=self.seconds)

    def json(self) -> dict[str, Any]:
        """For --json."""
        return {
            "begun": self.begun.astimezone(UTC).isoformat(timespec="seconds"),
            "seconds": self.seconds,
            "kind": self.kind,
            "succeeded": self.succeeded,
            "image": self.image,
            "commit": self.commit,
            "url": self.url,
            "pipeline": self.pipeline,
            "changes": dict(self.changes),
        }


def read(history: str) -> tuple[Deployment, ...]:
    """From what Pulumi prints, the last run first. ValueError if it is no history. No value but the image is read."""
    return tuple(_read(item) for item in json.loads(history or "[]") if item.get("result") != "in-progress")


def since(deployments: Sequence[Deployment], image: str | None) -> datetime | None:
    """When the run ended that deployed the image that runs now; None if that is longer ago than is known."""
    found = None
    for item in deployments:
        if item.kind != "update" or not item.succeeded:
            continue
        if item.image is not None:
            if image is None or not _is_same(item.image, image):
                return found
            found = item.ended
    return found


def web_address(text: object) -> str | None:
    """The text if it is an address of the web, which can be made a link of; else None."""
    try:
        parts = urlsplit(str(text or ""))
    except ValueError:
        return None
    return parts.geturl() if parts.scheme in {"http", "https"} and parts.hostname and not parts.username else None


def _read(item: Mapping[str, Any]) -> Deployment:
    facts, config = item.get("environment") or {}, item.get("config") or {}
    named = config.get(IMAGE) or {}
    begun, ended = (datetime.fromisoformat(str(item[key])) for key in ("startTime", "endTime"))
    changes = item.get("resourceChanges") or {}
    return Deployment(
        begun=begun,
        seconds=max(0, round((ended - begun).total_seconds())),
        kind=str(item.get("kind")),
        succeeded=item.get("result") == "succeeded",
        image=None if named.get("secret") else named.get("value"),
        commit=facts.get("ci.pr.headSHA") or facts.get("git.head"),
        url=web_address(facts.get("ci.build.url")),
        pipeline=facts.get("ci.build.number"),
        changes={kind: int(changes[kind]) for kind in ("create", "update", "replace", "delete") if changes.get(kind)},
    )


def _is_same(one: str, other: str) -> bool:
    try:
        return ImageReference.parse(one).is_same(ImageReference.parse(other))
    except ValueError:
        return one == other
