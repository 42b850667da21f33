"""Every object of a stack on its cluster, known before anything is declared. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from components.cluster.key import Key
from components.settings.kubernetes_names import claim_name, plain_files, sealed_files

if TYPE_CHECKING:
    from components.settings.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Planned:
    """An object by kind, namespace and name, and what to do if it exists and is somebody else's."""

    api_version: str
    kind: str
    namespace: str | None
    """None for a Namespace."""
    name: str
    remedy: str

    @property
    def key(self) -> Key:
        """What no other object has."""
        return Key.of(self.manifest)

    @property
    def manifest(self) -> dict[str, Any]:
        """What kubectl finds it by."""
        metadata = {"name": self.name} | ({"namespace": self.namespace} if self.namespace else {})
        return {"apiVersion": self.api_version, "kind": self.kind, "metadata": metadata}

    def __str__(self) -> str:
        return f"{self.kind} {f'{self.namespace}/' if self.namespace else ''}{self.name}"


def planned(stack: Settings) -> list[Planned]:
    """All objects that the stack declares, in the order of its blocks."""
    return [*_access(stack), *_registry(stack), *_app(stack), *_manifests(stack)]


def _access(stack: Settings) -> Iterator[Planned]:
    access = stack.access
    if access is None:
        return
    namespace = access.namespace
    if access.create_namespace:
        yield Planned(
            api_version="v1",
            kind="Namespace",
            namespace=None,
            name=namespace,
            remedy="set access.createNamespace to false to use it as it is, or name another access.namespace",
        )
        if access.default_deny:
            yield Planned(
                api_version="networking.k8s.io/v1",
                kind="NetworkPolicy",
                namespace=namespace,
                name="default-deny",
                remedy="name another access.namespace, or set access.createNamespace or access.defaultDeny to false",
            )
    remedy = "name another access.serviceAccount"
    for account, role, is_made in (
        (access.service_account, "admin", True),
        (f"{access.service_account}-preview", "view", access.preview),
    ):
        if is_made:
            for version, kind, name in (
                ("v1", "ServiceAccount", account),
                ("rbac.authorization.k8s.io/v1", "RoleBinding", f"{account}-{role}"),
                ("v1", "Secret", f"{account}-token-{access.rotation}"),
            ):
                yield Planned(api_version=version, kind=kind, namespace=namespace, name=name, remedy=remedy)


def _registry(stack: Settings) -> Iterator[Planned]:
    if stack.registry and stack.namespace:
        yield Planned(
            api_version="v1",
            kind="Secret",
            namespace=stack.namespace,
            name=stack.registry.pull_secret,
            remedy="name another registry.pullSecret",
        )


def _app(stack: Settings) -> Iterator[Planned]:
    app, target = stack.app, stack.kubernetes
    if app is None or target is None or stack.from_manifests:
        return
    for version, kind, name, is_made in (
        ("networking.k8s.io/v1", "NetworkPolicy", target.name, True),
        ("v1", "Secret", f"{target.name}-secrets", bool(app.secrets)),
        ("v1", "ConfigMap", f"{target.name}-files", bool(plain_files(target.files))),
        ("v1", "Secret", f"{target.name}-files", bool(sealed_files(target.files))),
        *(("v1", "PersistentVolumeClaim", claim_name(target.name, path), True) for path in target.volumes),
        ("apps/v1", "Deployment", target.name, True),
        ("policy/v1", "PodDisruptionBudget", target.name, True),
        ("autoscaling/v2", "HorizontalPodAutoscaler", target.name, target.autoscale is not None),
        ("v1", "Service", target.name, not app.worker),
        ("networking.k8s.io/v1", "Ingress", target.name, target.host is not None),
    ):
        if is_made:
            yield Planned(
                api_version=version,
                kind=kind,
                namespace=stack.namespace,
                name=name,
                remedy="name another kubernetes.name",
            )


def _manifests(stack: Settings) -> Iterator[Planned]:
    for name in stack.kubernetes.secrets_by_name if stack.kubernetes else ():
        yield Planned(
            api_version="v1",
            kind="Secret",
            namespace=stack.namespace,
            name=name,
            remedy="give it another name in kubernetes.secrets",
        )
    for item in stack.declared:
        yield Planned(
            api_version=item.api_version,
            kind=item.kind,
            namespace=stack.namespace,
            name=item.name,
            remedy=f"give it another name in {item.where}",
        )
