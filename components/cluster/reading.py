"""What of a stack's objects exists on the cluster, read before anything is declared."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any

from components.beside import Beside
from components.cluster import ingresses
from components.cluster.key import Key
from components.cluster.kubectl import Kubectl, current_server, errors, kubectl
from components.cluster.needed import forbidden, needed
from components.cluster.planned import planned
from components.printable import printable
from components.settings.settings import Settings

DEFAULT_DENY = "default-deny"
"""Name of the NetworkPolicy that denies all traffic in a namespace of the block `access`."""


@dataclass(frozen=True, kw_only=True)
class ClusterCheck:
    """What was read. An object that the credential may not read is left out."""

    run: Kubectl = kubectl
    replicas: int | None = None
    """The number of Pods that the Deployment has been given; None if it does not exist."""
    failed_jobs: Mapping[str, str] = field(default_factory=dict)
    """The uids of Jobs that have failed, by name."""
    found: Mapping[Key, Mapping[str, Any]]
    """The metadata of what exists."""
    unreadable: frozenset[tuple[str, str]] = frozenset()
    """Kind, in small letters and plural, and name of what the credential may not read."""
    ingress_classes: Mapping[str, bool] | None = None
    """Which the cluster has, and whether each is the default; None if that is not known or not of interest."""

    @cached_property
    def server(self) -> str:
        """Address of the API server, which messages and a first run name: kubectl is asked for it then."""
        return printable(current_server(run=self.run).stdout) or "the cluster of this Pod"

    def uid_of(self, namespace: str) -> str | None:
        """The uid of a Namespace; None if it does not exist or may not be read."""
        metadata = self.namespace(namespace)
        return str(metadata["uid"]) if metadata else None

    def namespace(self, name: str) -> Mapping[str, Any]:
        """The metadata of a Namespace; empty if it does not exist or may not be read."""
        return self.found.get(Key.of_namespace(name), {})

    def denies(self, namespace: str | None) -> bool:
        """Whether the namespace denies all traffic that no NetworkPolicy allows."""
        return Key("networking.k8s.io", "NetworkPolicy", namespace, DEFAULT_DENY) in self.found

    @property
    def uid(self) -> str | None:
        """The uid of the cluster, which is that of kube-system."""
        return self.uid_of("kube-system")


class UnreadableError(Exception):
    """What exists on the cluster cannot be read: kubectl's reason."""


class Reading(Beside[ClusterCheck]):
    """The look at the cluster, beside what else is checked; UnreadableError if it does not say what exists."""

    def __init__(self, stack: Settings, run: Kubectl = kubectl) -> None:
        super().__init__(partial(look, stack, run))


def look(stack: Settings, run: Kubectl = kubectl) -> ClusterCheck:
    """Reads the cluster, by kubectl; UnreadableError if it does not say, but for what is Forbidden."""
    namespaces = dict.fromkeys(["kube-system", *([stack.namespace] if stack.namespace else [])])
    items: list[object] = [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in namespaces]
    items += [item.manifest for item in planned(stack) if item.kind != "Namespace"]
    if stack.from_manifests and not stack.access:
        # Of the stack that has made the namespace.
        items.append(
            {
                "apiVersion": "networking.k8s.io/v1",
                "kind": "NetworkPolicy",
                "metadata": {"name": DEFAULT_DENY, "namespace": stack.namespace},
            }
        )
    items += [item.manifest for item in needed(stack)]
    get = ("get", "--filename", "-", "--ignore-not-found", "--show-managed-fields", "--output", "json")
    try:
        asked = run(*get, stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
    except FileNotFoundError as error:
        raise UnreadableError("there is no kubectl on PATH") from error
    said = errors(asked.stderr)
    failed = [line for line in said if "(Forbidden)" not in line]
    if asked.returncode and (failed or not said):
        raise UnreadableError(failed[-1] if failed else "kubectl failed")
    answer = json.loads(asked.stdout) if asked.stdout.strip() else {"items": []}
    found: dict[Key, Mapping[str, Any]] = {}
    replicas, failed_jobs = None, {}
    for item in answer.get("items", [answer]):
        key, metadata = Key.of(item), item["metadata"]
        found[key] = metadata
        if (key.group, key.kind) == ("apps", "Deployment"):
            replicas = item.get("spec", {}).get("replicas")
        if (key.group, key.kind) == ("batch", "Job") and _has_failed(item):
            failed_jobs[key.name] = metadata["uid"]
    return ClusterCheck(
        run=run,
        found=found,
        replicas=replicas,
        failed_jobs=failed_jobs,
        unreadable=forbidden(asked.stderr),
        ingress_classes=ingresses.classes(run) if ingresses.ingresses(stack) else None,
    )


def _has_failed(job: Mapping[str, Any]) -> bool:
    conditions = job.get("status", {}).get("conditions") or []
    return any(condition["type"] == "Failed" and condition["status"] == "True" for condition in conditions)
