"""What an image says of itself: the user it runs as, and the ports it listens on. No Pulumi here.

OCI image specification (config.md), read from the image's registry. Whatever the registry does, the answer is there
after a few seconds: if it gives none, nothing is known.
"""

import http.client
import json
import re
import urllib.error
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from components.deadline import call_within
from components.image.reference import ImageReference
from components.image.registry import MOST_BYTES, Repository

TOTAL_SECONDS = 6
"""For everything: names, connections, the registry, its token server and its store."""
_NO_LOGIN = {"DENIED", "UNAUTHORIZED"}
_UNKNOWN = {"MANIFEST_UNKNOWN", "NAME_UNKNOWN"}
"""Codes of the OCI distribution specification (error codes) for what a registry does not have."""


@dataclass(frozen=True, kw_only=True)
class ImageConfig:
    """A part of an image's configuration."""

    user: str
    """Name or number of the user, without the group; empty if none is set, which means root."""
    ports: frozenset[int]
    """Ports that it exposes over TCP."""

    @property
    def is_root(self) -> bool:
        """Whether it runs as root."""
        return self.user in {"", "root"} or re.fullmatch("0+", self.user) is not None


class NoImageError(Exception):
    """The registry answers that it has no such image."""


class LoginNeededError(Exception):
    """The registry gives the image to nobody without a login, or not to this one."""


def read(image: ImageReference, environment: Mapping[str, str] | None) -> ImageConfig | None:
    """The configuration, of the image for Linux if there are several; None if the registry does not say.

    With no environment it is asked as nobody. NoImageError and LoginNeededError are answers of the registry, in the
    form of the specification: a server in front of it, such as a proxy or a firewall, has the same statuses.
    """
    try:
        repository = Repository.of(image, environment)
        if repository is None:
            return None
        return call_within(TOTAL_SECONDS, lambda: _read(repository, image))
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError, http.client.HTTPException):
        return None


def _read(repository: Repository, image: ImageReference) -> ImageConfig:
    try:
        return _found(repository, image)
    except urllib.error.HTTPError as error:
        with error:
            codes = {one["code"] for one in json.loads(error.read(MOST_BYTES))["errors"]}
        if error.code in {http.client.UNAUTHORIZED, http.client.FORBIDDEN} and codes & _NO_LOGIN:
            raise LoginNeededError from None
        if error.code == http.client.NOT_FOUND and codes & _UNKNOWN:
            raise NoImageError from None
        raise


def _found(repository: Repository, image: ImageReference) -> ImageConfig:
    manifest = _json(repository, f"manifests/{image.digest or image.tag}")
    if "manifests" in manifest:
        digests = [one["digest"] for one in manifest["manifests"] if one.get("platform", {}).get("os") == "linux"]
        if not digests:
            raise ValueError("no image for Linux")
        manifest = _json(repository, f"manifests/{digests[0]}")
    config = _json(repository, f"blobs/{manifest['config']['digest']}").get("config") or {}
    exposed = [re.fullmatch(r"([0-9]{1,5})(?:/tcp)?", port) for port in config.get("ExposedPorts") or {}]
    user = str(config.get("User") or "").partition(":")[0]
    return ImageConfig(user=user, ports=frozenset(int(port[1]) for port in exposed if port))


def _json(repository: Repository, path: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(repository.ask("GET", path)[1])
    return found
