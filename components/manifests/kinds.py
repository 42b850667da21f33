"""The kinds of Kubernetes' own API, and which of them belong to no namespace. Pure.

As of Kubernetes 1.35 (`kubectl api-resources`); a newer cluster has more, and is asked. What is of none of these groups
is a custom resource.
"""

import difflib
import re

from components.manifests.misspelt import misspelt
from components.settings.problem import quoted

_NAMESPACED = {
    "v1": "ConfigMap Endpoints Event LimitRange PersistentVolumeClaim Pod PodTemplate ReplicationController "
    "ResourceQuota Secret Service ServiceAccount",
    "apps/v1": "ControllerRevision DaemonSet Deployment ReplicaSet StatefulSet",
    "autoscaling/v1": "HorizontalPodAutoscaler",
    "autoscaling/v2": "HorizontalPodAutoscaler",
    "batch/v1": "CronJob Job",
    "coordination.k8s.io/v1": "Lease",
    "discovery.k8s.io/v1": "EndpointSlice",
    "events.k8s.io/v1": "Event",
    "networking.k8s.io/v1": "Ingress NetworkPolicy",
    "policy/v1": "PodDisruptionBudget",
    "rbac.authorization.k8s.io/v1": "Role RoleBinding",
    "resource.k8s.io/v1": "ResourceClaim ResourceClaimTemplate",
    "storage.k8s.io/v1": "CSIStorageCapacity",
}
_CLUSTER_WIDE = {
    "": "ComponentStatus Namespace Node PersistentVolume",
    "admissionregistration.k8s.io": "MutatingAdmissionPolicy MutatingAdmissionPolicyBinding "
    "MutatingWebhookConfiguration ValidatingAdmissionPolicy ValidatingAdmissionPolicyBinding "
    "ValidatingWebhookConfiguration",
    "apiextensions.k8s.io": "CustomResourceDefinition",
    "apiregistration.k8s.io": "APIService",
    "authentication.k8s.io": "SelfSubjectReview TokenReview",
    "authorization.k8s.io": "SelfSubjectAccessReview SelfSubjectRulesReview SubjectAccessReview",
    "certificates.k8s.io": "CertificateSigningRequest ClusterTrustBundle",
    "flowcontrol.apiserver.k8s.io": "FlowSchema PriorityLevelConfiguration",
    "networking.k8s.io": "IPAddress IngressClass ServiceCIDR",
    "node.k8s.io": "RuntimeClass",
    "policy": "PodSecurityPolicy",
    "rbac.authorization.k8s.io": "ClusterRole ClusterRoleBinding",
    "resource.k8s.io": "DeviceClass DeviceTaintRule ResourceSlice",
    "scheduling.k8s.io": "PriorityClass",
    "storage.k8s.io": "CSIDriver CSINode StorageClass VolumeAttachment VolumeAttributesClass",
    "storagemigration.k8s.io": "StorageVersionMigration",
    # Of others, which manifests of applications have in them.
    "cert-manager.io": "ClusterIssuer",
    "external-secrets.io": "ClusterExternalSecret ClusterSecretStore",
    "gateway.networking.k8s.io": "GatewayClass",
    "kyverno.io": "ClusterPolicy",
}
"""By group, whatever the version."""
_REMOVED = {
    "apps/v1beta1": "ControllerRevision Deployment StatefulSet",
    "apps/v1beta2": "ControllerRevision DaemonSet Deployment ReplicaSet StatefulSet",
    "autoscaling/v2beta1": "HorizontalPodAutoscaler",
    "autoscaling/v2beta2": "HorizontalPodAutoscaler",
    "batch/v1beta1": "CronJob",
    "batch/v2alpha1": "CronJob",
    "coordination.k8s.io/v1beta1": "Lease",
    "discovery.k8s.io/v1beta1": "EndpointSlice",
    "events.k8s.io/v1beta1": "Event",
    "extensions/v1beta1": "DaemonSet Deployment Ingress NetworkPolicy ReplicaSet",
    "networking.k8s.io/v1beta1": "Ingress",
    "policy/v1beta1": "PodDisruptionBudget",
    "rbac.authorization.k8s.io/v1alpha1": "Role RoleBinding",
    "rbac.authorization.k8s.io/v1beta1": "Role RoleBinding",
    "storage.k8s.io/v1beta1": "CSIStorageCapacity",
}
"""What no version of Kubernetes has any more that the program is for (Kubernetes: Deprecated API Migration Guide)."""
_MOVED = frozenset({"extensions"})
"""Groups that are no more."""

_VERSION = re.compile(r"v[1-9][0-9]*(?:(?:alpha|beta)[1-9][0-9]*)?")
"""Kubernetes: API versioning."""
_CUSTOM = re.compile(r"[a-z0-9](?:[-.a-z0-9]*[a-z0-9])?/[a-z0-9](?:[-a-z0-9]*[a-z0-9])?")
"""The group of a custom resource is a domain (Kubernetes: CustomResourceDefinitionSpec, group and versions)."""
_KIND = re.compile(r"[A-Za-z][-A-Za-z0-9]*")
"""Kubernetes: CustomResourceDefinitionNames, kind."""
_CHANGED = {"Ingress": ", with pathType, service.name and service.port.number"}
"""What else is to be written in the version that there is."""

_KINDS = {version: frozenset(kinds.split()) for version, kinds in _NAMESPACED.items()}
_ALL = frozenset().union(*_KINDS.values())
_GONE = {version: frozenset(kinds.split()) for version, kinds in _REMOVED.items()}
_WIDE = {group: frozenset(kinds.split()) for group, kinds in _CLUSTER_WIDE.items()}


def group_of(api_version: str) -> str:
    """The API group; empty for the core one."""
    group, slash, _ = api_version.partition("/")
    return group if slash else ""


_GROUPS = {group_of(version) for version in _KINDS} | {
    group for group in _WIDE if "." not in group or (group.endswith(".k8s.io") and not group.startswith("gateway."))
}


def is_known(api_version: str, kind: str) -> bool:
    """Whether it is a kind of Kubernetes' own API whose objects belong to a namespace."""
    return kind in _KINDS.get(api_version, ())


def is_cluster_wide(api_version: str, kind: str) -> bool:
    """Whether objects of the kind belong to no namespace, as far as is known here."""
    return kind in _WIDE.get(group_of(api_version), ())


def is_own(api_version: str) -> bool:
    """Whether the API group is Kubernetes' own: anything else is a custom resource."""
    return group_of(api_version) in _GROUPS | _MOVED


def problem(api_version: str, kind: str) -> tuple[str, str] | None:
    """Why no cluster has this kind, and what to write; None for one that a cluster may have, which alone knows."""
    if is_known(api_version, kind):
        return None
    if not _KIND.fullmatch(kind):
        return f"has the kind {quoted(kind)}, which is no name of a kind", "use one that 'kubectl api-resources' lists"
    if not _may_exist(api_version):
        near = _versions_of(kind)[-1:] or difflib.get_close_matches(api_version, _KINDS, n=1)
        remedy = f"use {near[0]}" if near else "use one that 'kubectl api-versions' lists"
        return f"has the apiVersion {api_version!r}, which does not exist", remedy
    if kind in _GONE.get(api_version, ()):
        return f"has the apiVersion {api_version!r}, which has no {kind}", remedy_for(kind)
    near_kind = misspelt(kind, _ALL) if is_own(api_version) and kind not in _ALL else None
    if near_kind:
        return f"has the kind {kind!r}, which {api_version} does not have", f"did you mean {near_kind}?"
    return None


def _may_exist(api_version: str) -> bool:
    """Whether there may be such a version of an API group."""
    group, _, version = api_version.rpartition("/")
    if is_own(api_version):
        return _VERSION.fullmatch(version) is not None
    return "." in group and _CUSTOM.fullmatch(api_version) is not None


def remedy_for(kind: str) -> str:
    """What to write in place of a version that has not this kind."""
    current = _versions_of(kind)
    if current:
        return f"use {current[-1]}{_CHANGED.get(kind, '')}"
    near = difflib.get_close_matches(kind, _ALL, n=1)
    return f"did you mean {near[0]}?" if near else "use one that 'kubectl api-resources' lists"


def _versions_of(kind: str) -> list[str]:
    return [version for version, kinds in _KINDS.items() if kind in kinds]
