"""What the stack's Ingresses need of the cluster: a class whose controller serves them, and their TLS secrets.

Kubernetes takes an Ingress without either. Nothing answers then, or with a certificate that no browser accepts. But
both may come later, the secret from cert-manager, the class with a controller that is installed after the stack.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from components.printable import printable
from components.settings.declared import DeclaredIngress

if TYPE_CHECKING:
    from collections.abc import Mapping

    from components.cluster.kubectl import Kubectl
    from components.settings.kubernetes import Kubernetes
    from components.settings.settings import Settings

_IS_DEFAULT = "ingressclass.kubernetes.io/is-default-class"


def ingresses(stack: Settings) -> list[DeclaredIngress]:
    """All that the stack declares, by the block `kubernetes` or in the team's own files."""
    target = stack.kubernetes_app
    own = [_of_block(target.host, target)] if target and target.host and stack.app and not stack.app.worker else []
    return [*own, *(item.ingress for item in stack.declared if item.ingress)]


def classes(run: Kubectl) -> Mapping[str, bool] | None:
    """Every IngressClass of the cluster, and whether it is the default; None if the credential may not list them."""
    asked = run("get", "ingressclasses.networking.k8s.io", "--output", "json")
    if asked.returncode or not asked.stdout.strip():
        return None
    return {
        printable(item["metadata"]["name"]): (item["metadata"].get("annotations") or {}).get(_IS_DEFAULT) == "true"
        for item in json.loads(asked.stdout)["items"]
    }


def missing_classes(stack: Settings, there: Mapping[str, bool] | None) -> list[str]:
    """Each class that is named and does not exist: no controller serves its Ingress."""
    return [
        f"IngressClass {item.class_name}, which {item.class_by} names, does not exist, and until it does nothing "
        f"serves the Ingress; {_ways_out(there)}"
        for item in ingresses(stack)
        if there is not None and item.class_name is not None and item.class_name not in there
    ]


def without_class(stack: Settings, there: Mapping[str, bool] | None) -> list[str]:
    """Each Ingress that names no class, on a cluster that has no default one: some controllers serve it."""
    if there is None or any(there.values()):
        return []
    return [
        f"The Ingress of {', '.join(item.addresses) or item.class_by} names no class and the cluster has no default "
        f"one, so only a controller that takes Ingresses without a class serves it; {_ways_out(there)} "
        f"({item.class_by})"
        for item in ingresses(stack)
        if item.class_name is None and not item.has_class_annotation
    ]


def _ways_out(there: Mapping[str, bool]) -> str:
    if there:
        return f"name one that the cluster has: {', '.join(sorted(there))}"
    return "the cluster has none; install an Ingress controller"


def _of_block(host: str, target: Kubernetes) -> DeclaredIngress:
    scheme = "https" if target.tls_secret else "http"
    return DeclaredIngress(
        class_by="kubernetes.ingressClass",
        tls_by="kubernetes.tlsSecret",
        class_name=target.ingress_class,
        tls_secrets=(target.tls_secret,) if target.tls_secret else (),
        annotations=target.ingress_annotations,
        addresses=tuple(f"{scheme}://{one}{target.paths[0]}" for one in dict.fromkeys([host, *target.hosts])),
    )
