"""What the team's own files declare, as far as the rest of the stack has to know it. Pure: no Pulumi here."""

from collections.abc import Mapping
from dataclasses import dataclass, field

_ISSUERS = ("cert-manager.io/issuer", "cert-manager.io/cluster-issuer", "kubernetes.io/tls-acme")
"""Annotations of an Ingress with which cert-manager makes its TLS secrets (cert-manager: usage/ingress)."""
_CLASS = "kubernetes.io/ingress.class"
"""Annotation that some controllers still read in place of the field (Kubernetes: Ingress, deprecated annotation)."""


@dataclass(frozen=True, kw_only=True)
class DeclaredIngress:
    """What an Ingress needs of the cluster, and where it leads from."""

    class_by: str
    """What names its class, or may: a key of the stack file, or FILE:LINE."""
    tls_by: str
    """What names its TLS secrets."""
    class_name: str | None = None
    tls_secrets: tuple[str, ...] = ()
    annotations: Mapping[str, str] = field(default_factory=dict)
    addresses: tuple[str, ...] = ()
    """A URL of each host."""

    @property
    def has_issuer(self) -> bool:
        """Whether cert-manager makes the TLS secrets."""
        return any(self.annotations.get(name) not in (None, "", "false") for name in _ISSUERS)

    @property
    def has_class_annotation(self) -> bool:
        """Whether its class is named in the old way, for which no IngressClass has to exist."""
        return bool(self.annotations.get(_CLASS))


@dataclass(frozen=True, kw_only=True)
class Declared:
    """What an object on the cluster is known by."""

    api_version: str
    kind: str
    name: str
    where: str
    """FILE:LINE of it."""
    ingress: DeclaredIngress | None = None
    """If it is an Ingress."""
