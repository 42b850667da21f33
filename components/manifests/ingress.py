"""An Ingress of the team's manifests: what it needs of the cluster, and the addresses it leads from. Pure."""

from components.manifests.manifest import Manifest, items, mapping
from components.settings.declared import DeclaredIngress


def read_ingress(manifest: Manifest) -> DeclaredIngress | None:
    """None if it is no Ingress. What Kubernetes would refuse is left out: the API server says so."""
    if (manifest.group, manifest.kind) != ("networking.k8s.io", "Ingress"):
        return None
    spec = mapping(manifest.body, "spec")
    sealed = items(spec.get("tls"))
    listed = [entry["hosts"] for entry in sealed if isinstance(entry.get("hosts"), list)]
    over_tls = {str(host) for hosts in listed for host in hosts}
    addresses = []
    for rule in items(spec.get("rules")):
        host = str(rule.get("host") or "")
        if host and "*" not in host:
            paths = [str(path.get("path") or "/") for path in items(mapping(rule, "http").get("paths"))]
            scheme = "https" if host in over_tls else "http"
            addresses.append(f"{scheme}://{host}{min(paths, key=len, default='/')}")
    class_name = spec.get("ingressClassName")
    return DeclaredIngress(
        class_by=manifest.where,
        tls_by=manifest.where,
        class_name=str(class_name) if class_name else None,
        tls_secrets=tuple(dict.fromkeys(str(entry["secretName"]) for entry in sealed if entry.get("secretName"))),
        annotations={str(k): str(v) for k, v in mapping(manifest.body, "metadata", "annotations").items()},
        addresses=tuple(dict.fromkeys(addresses)),
    )
