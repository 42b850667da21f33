"""An object that the team's own files declare. Pure: no Pulumi here."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Declared:
    """What an object on the cluster is known by."""

    api_version: str
    kind: str
    name: str
    where: str
    """FILE:LINE of it."""
