"""Which container of an application follows which: a number that rises, and names that no two containers share. Pure.

A proxy that knows two containers under one name sends requests to both in turn, and goes on for a while after one of
them is gone. So each container has a router and a service of its own, and the newer router comes first.
"""

import hashlib
import json
from collections.abc import Collection
from dataclasses import dataclass

from components.outputs import SwapOutput

LEVELS = 10
"""So many priorities the containers of an application take, one after the other. A proxy's routers for a path of the
same host have a longer rule, so a higher priority by at least this much, and stay first."""


@dataclass(frozen=True, kw_only=True)
class Generation:
    """What a container has of its own, for as long as it lives."""

    number: int = 0
    """One more than that of the container before it."""
    token: str = "first"  # noqa: S105 - no secret
    """Part of its names at the proxy."""
    before: str = ""
    """The token of the container before it; empty if there was none."""

    @property
    def level(self) -> int:
        """How much higher its priority is than the lowest."""
        return self.number % LEVELS

    @property
    def starts_over(self) -> bool:
        """Whether the container before it has a higher priority."""
        return self.level == 0 and bool(self.before)

    def output(self, container: str, digest: str) -> SwapOutput:
        """What the next run has to know."""
        return {
            "container": container,
            "digest": digest,
            "number": self.number,
            "token": self.token,
            "before": self.before,
        }


def digest(definition: object) -> str:
    """Stands for all that a container is made of, secrets too: it belongs into a secret output alone."""
    return hashlib.sha256(json.dumps(definition, sort_keys=True).encode()).hexdigest()


def following(
    last: SwapOutput | None, wanted: str, *, identity: str, kept: str | None, present: Collection[str] | None
) -> Generation:
    """The generation of the container of this run.

    `last` is what the last successful run noted, `wanted` the digest of what is wanted now, `kept` the name of the
    container in the state, and `present` are the names of those on the host; None if it was not asked. It is the same
    generation if that container is what is wanted, is the one in the state, and is there. Else it is another one, so
    that a container which a failed run removed, or somebody by hand, is created anew.
    """
    # The engine has one type for numbers, and gives whole ones back as 4.0.
    before = int(last["number"]) if last else -1
    if (
        last
        and last["digest"] == wanted
        and last["container"] == kept
        and (present is None or last["container"] in present)
    ):
        return Generation(number=before, token=last["token"], before=last["before"])
    number = before + 1
    # The same in a preview and in the run that follows it.
    token = hashlib.sha256(json.dumps([identity, number, kept]).encode()).hexdigest()[:12]
    return Generation(number=number, token=token, before=last["token"] if last else "")
