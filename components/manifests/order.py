"""What of the manifests has to be there before what. Pure.

What Pods read comes first, then the workloads of other images, such as a database, then the Jobs that run the stack's
image, one after another in the order of the files, and then the rest: the stack's image, and what leads to it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from components.manifests.kinds import group_of, is_own
from components.manifests.manifest import Manifest, mapping

_READ_BY_PODS = (
    *("ConfigMap", "LimitRange", "NetworkPolicy", "PersistentVolumeClaim", "ResourceClaim", "ResourceClaimTemplate"),
    *("ResourceQuota", "Role", "RoleBinding", "Secret", "ServiceAccount"),
)


@dataclass(frozen=True, kw_only=True)
class Order:
    """The manifests in the order in which they are declared."""

    first: tuple[Manifest, ...]
    """What Pods read, and what is no kind of Kubernetes' own."""
    others: tuple[Manifest, ...]
    """The workloads of other images, and the Services that lead to them alone."""
    jobs: tuple[Manifest, ...]
    """The Jobs that run the stack's image before anything else of it runs."""
    last: tuple[Manifest, ...]
    """All the rest."""


def order(manifests: Sequence[Manifest]) -> Order:
    """The manifests in their order."""
    own = [manifest for manifest in manifests if manifest.own_image]
    first = [
        manifest
        for manifest in manifests
        if not manifest.own_image and (manifest.kind in _READ_BY_PODS or not is_own(manifest.api_version))
    ]
    # Rights of a role cannot be given before the role exists.
    first.sort(key=gives_rights)
    others = [
        manifest
        for manifest in manifests
        if not manifest.own_image
        and (manifest.pod_path or (manifest.is_a("Service") and not any(leads(manifest, pod) for pod in own)))
    ]
    jobs = [manifest for manifest in own if manifest.is_job]
    taken = {*first, *others, *jobs}
    return Order(
        first=tuple(first),
        others=tuple(others),
        jobs=tuple(jobs),
        last=tuple(manifest for manifest in manifests if manifest not in taken),
    )


def gives_rights(manifest: Manifest) -> bool:
    """Whether it gives somebody the rights of a role."""
    return manifest.is_a("RoleBinding", "rbac.authorization.k8s.io")


def leads(service: Manifest, workload: Manifest) -> bool:
    """Whether a Service selects the Pods of a workload."""
    selector = mapping(service.body, "spec", "selector")
    return service.is_a("Service") and bool(selector) and selector.items() <= workload.pod_labels.items()


def services_of(workload: Manifest, manifests: Sequence[Manifest]) -> tuple[str, ...]:
    """The Services that lead to a workload's Pods."""
    return tuple(manifest.name for manifest in manifests if leads(manifest, workload))


def unreached(manifests: Sequence[Manifest]) -> list[Manifest]:
    """The objects with Pods that no NetworkPolicy of the files selects."""
    selectors = [
        mapping(manifest.body, "spec", "podSelector")
        for manifest in manifests
        if manifest.is_a("NetworkPolicy", "networking.k8s.io")
    ]
    return [
        manifest
        for manifest in manifests
        if manifest.pod_path
        and not any(
            "matchExpressions" in selector or mapping(selector, "matchLabels").items() <= manifest.pod_labels.items()
            for selector in selectors
        )
    ]


def scales(manifests: Sequence[Manifest], workload: Manifest) -> bool:
    """Whether an autoscaler among the manifests owns the number of a workload's Pods, which has one in its file."""
    if "replicas" not in mapping(workload.body, "spec"):
        return False
    targets = [mapping(manifest.body, "spec", "scaleTargetRef") for manifest in manifests]
    return any(
        workload.is_a(found.get("kind", "Deployment"), group_of(str(found.get("apiVersion") or workload.api_version)))
        and found.get("name") == workload.name
        for found in targets
    )


def front(manifests: Sequence[Manifest]) -> str | None:
    """The Service by which the stack's image is reached: one that an Ingress names, or else the first; None if none."""
    own = [manifest for manifest in manifests if manifest.own_image and manifest.is_watched]
    services = [manifest for manifest in manifests if any(leads(manifest, workload) for workload in own)]
    services.sort(key=lambda manifest: mapping(manifest.body, "spec").get("clusterIP") == "None")
    reached = [manifest.name for manifest in services]
    named = [
        name
        for manifest in manifests
        if manifest.is_a("Ingress", "networking.k8s.io")
        for name in _backends(manifest.body)
        if name in reached
    ]
    return next(iter([*named, *reached]), None)


def _backends(ingress: Mapping[str, Any]) -> list[str]:
    spec = mapping(ingress, "spec")
    rules = spec.get("rules")
    paths = [
        path
        for rule in (rules if isinstance(rules, list) else [])
        for path in (mapping(rule, "http").get("paths") or [])
    ]
    found = [mapping(path, "backend", "service").get("name") for path in paths]
    return [str(name) for name in (*found, mapping(spec, "defaultBackend", "service").get("name")) if name]
