"""What a stack's Pods need of the namespace and do not make themselves, known before anything is declared. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from components.cluster.ingresses import ingresses
from components.cluster.key import Key

if TYPE_CHECKING:
    from components.settings.settings import Settings

ENFORCED = "pod-security.kubernetes.io/enforce"
"""Label of a Namespace: the Pod Security Standard that its Pods have to keep."""
_FORBIDDEN = re.compile(r'(?P<plural>[a-z]+)(?:\.[a-z0-9.-]+)? "(?P<name>[^"]+)" is forbidden')


@dataclass(frozen=True, kw_only=True)
class Needed:
    """An object that somebody else makes."""

    kind: str
    namespace: str
    name: str
    named_by: str
    """The key of the stack file that names it."""
    later: bool = False
    """Whether Pods run without it, and something on the cluster may make it at any time."""

    @property
    def key(self) -> Key:
        """What no other object has."""
        return Key.of(self.manifest)

    @property
    def manifest(self) -> dict[str, Any]:
        """What kubectl finds it by."""
        return {"apiVersion": "v1", "kind": self.kind, "metadata": {"name": self.name, "namespace": self.namespace}}

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}, which {self.named_by} names"


def needed(stack: Settings) -> Iterator[Needed]:
    """What the block `kubernetes` and its Ingresses name, each object once."""
    target, namespace = stack.kubernetes, stack.namespace
    if target is None or namespace is None:
        return
    named: dict[tuple[str, str], Iterable[str]] = {
        ("Secret", "secretsFrom"): target.secrets_from,
        ("Secret", "secretKeys"): dict.fromkeys(place.partition("/")[0] for place in target.secret_keys.values()),
        ("ConfigMap", "configFrom"): target.config_from,
        ("Secret", "pullSecrets"): target.pull_secrets,
        ("ServiceAccount", "serviceAccount"): (target.service_account,)
        # Kubernetes makes that one in every namespace.
        if target.service_account not in {None, "default"}
        else (),
    }
    for (kind, key), names in named.items():
        for name in names:
            yield Needed(kind=kind, namespace=namespace, name=name, named_by=f"kubernetes.{key}")
    if any(item.kind == "Certificate" for item in stack.declared):
        # cert-manager makes the secret that it names.
        return
    for ingress in ingresses(stack):
        for name in () if ingress.has_issuer else ingress.tls_secrets:
            yield Needed(kind="Secret", namespace=namespace, name=name, named_by=ingress.tls_by, later=True)


def forbidden(stderr: str) -> frozenset[tuple[str, str]]:
    """Kind in small letters and plural, and name, of each object that kubectl may not read, from what it says."""
    return frozenset((match["plural"], match["name"]) for match in _FORBIDDEN.finditer(stderr))


def missing(
    stack: Settings,
    found: Collection[Key],
    unreadable: Collection[tuple[str, str]],
) -> list[Needed]:
    """What does not exist, as far as the credential may see."""
    return [
        item
        for item in needed(stack)
        if item.key not in found and (f"{item.kind.lower()}s", item.name) not in unreadable
    ]


def root_problem(stack: Settings, namespace: Mapping[str, Any]) -> str | None:
    """Why Pods that run as root would be refused in a Namespace with this metadata; None if they would not be."""
    level = (namespace.get("labels") or {}).get(ENFORCED)
    if not (stack.kubernetes and stack.kubernetes.run_as_root) or level != "restricted":
        return None
    return (
        f"the namespace {stack.namespace} enforces Pod Security '{level}', which refuses Pods of "
        "kubernetes.runAsRoot; have its owner set that to 'baseline', or let the image run as another user by "
        "kubernetes.runAsUser"
    )
