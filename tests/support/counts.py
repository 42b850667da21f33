"""What the sandbox's servers were asked, counted at the servers: in the log of each of them."""

import json
import re
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from sandbox.hosts.node import AUDIT_LOG
from sandbox.instance import Instance
from sandbox.machine.waiting import wait

_TOKENS_OF_REGISTRY = " /jwt/auth "
"""Asked of GitLab by whoever pulls an image: not by the deploy itself."""
_STILL_SECONDS = 0.3


@dataclass(kw_only=True)
class Counts:
    """What a command has asked of each server."""

    cluster: list[str] = field(default_factory=list)
    """Requests to the API server: VERB and path, without its query."""
    gitlab: list[str] = field(default_factory=list)
    """Requests to GitLab's API: METHOD path STATUS."""
    registry: int = 0
    """Requests to the registry, those of the cluster and the Docker host that pull an image included."""
    connections: int = 0
    """ssh connections that the Docker host has accepted."""
    commands: int = 0
    """Commands that were run over them, each of them a docker process on the host."""
    statuses: list[Any] = field(default_factory=list)
    """Status updates of Deployments by the cluster itself, as the audit log has them."""

    @property
    def numbers(self) -> Mapping[str, int]:
        """All of them as numbers."""
        return {
            "cluster": len(self.cluster),
            "gitlab": len(self.gitlab),
            "registry": self.registry,
            "connections": self.connections,
            "commands": self.commands,
        }

    def kinds(self) -> Counter[str]:
        """Requests to the API server by their verb and the last part of their path.

        Those for its types are left out: kubectl keeps the answer for hours, in the user's home.
        """
        kinds = (f"{line.split()[0]} {line.rpartition('/')[2]}" for line in self.cluster)
        return Counter(kind for kind in kinds if kind not in {"get api", "get apis"})

    def complete_since(self, namespace: str, name: str, image: str) -> float | None:
        """When the Deployment first ran this image alone, in seconds since the epoch; None if it never did."""
        for event in self.statuses:
            of, found = event["objectRef"], event.get("requestObject") or {}
            if (of["namespace"], of["name"]) != (namespace, name) or "spec" not in found:
                continue
            status, replicas = found["status"], found["spec"].get("replicas", 1)
            images = [container["image"] for container in found["spec"]["template"]["spec"]["containers"]]
            counts = {status.get(key, 0) for key in ("replicas", "updatedReplicas", "availableReplicas")}
            if images == [image] and counts == {replicas} and status["observedGeneration"] == _generation(found):
                return moment(event["stageTimestamp"])
        return None


class Servers:
    """The logs of a sandbox's servers."""

    def __init__(self, instance: Instance) -> None:
        logs = instance.folder / "log"
        self._audit = instance.folder / "node" / AUDIT_LOG
        self._gitlab, self._registry, self._sshd = (logs / f"{name}.log" for name in ("gitlab", "registry", "sshd"))

    @contextmanager
    def counted(self) -> Iterator[Counts]:
        """Counts what is asked in the block; the counts are there after it."""
        counts, files = Counts(), (self._audit, self._gitlab, self._registry, self._sshd)
        # What was asked before may be written a moment later too.
        _settle(files)
        begun = {file: _size(file) for file in files}
        yield counts
        # A request that has been answered is written a moment later, and a watch as its connection ends.
        _settle(files)
        for line in _lines(self._audit, begun[self._audit]):
            event = json.loads(line)
            of = event.get("objectRef") or {}
            if of.get("subresource") == "status" and event["user"]["username"].startswith("system:"):
                counts.statuses.append(event)
            else:
                counts.cluster.append(f"{event['verb']} {event['requestURI'].partition('?')[0]}")
        of_gitlab = _lines(self._gitlab, begun[self._gitlab])
        counts.gitlab += [line for line in of_gitlab if _TOKENS_OF_REGISTRY not in line]
        ids = re.findall(r"http\.request\.id=(\S+)", "\n".join(_lines(self._registry, begun[self._registry])))
        counts.registry = len(set(ids))
        of_sshd = _lines(self._sshd, begun[self._sshd])
        counts.connections = sum("Accepted publickey for" in line for line in of_sshd)
        counts.commands = sum("Starting session: command" in line for line in of_sshd)


def moment(timestamp: str) -> float:
    """Seconds since the epoch."""
    return datetime.fromisoformat(timestamp).timestamp()


def _generation(found: Mapping[str, Any]) -> int:
    generation: int = found["metadata"].get("generation", 0)
    return generation


def _size(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0


def _lines(file: Path, offset: int) -> list[str]:
    if not file.exists():
        return []
    with file.open("rb") as opened:
        opened.seek(offset)
        return opened.read().decode(errors="replace").splitlines()


def _settle(files: tuple[Path, ...]) -> None:
    """Waits until nothing more is written to them."""
    sizes: list[int] = []
    changed = time.monotonic()

    def is_still() -> bool:
        nonlocal sizes, changed
        now = [_size(file) for file in files]
        if now != sizes:
            sizes, changed = now, time.monotonic()
        return time.monotonic() - changed > _STILL_SECONDS

    wait(is_still, 10 * _STILL_SECONDS)
