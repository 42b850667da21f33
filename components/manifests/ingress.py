"""An Ingress of the team's manifests: what it needs of the cluster, and the addresses it leads from. Pure."""

import re
from collections.abc import Mapping
from typing import Any

from components.manifests.manifest import Manifest, items, mapping
from components.settings.declared import DeclaredIngress

_SPECIAL = re.compile(r"[\\()\[\]{}|*+?^$]")


def read_ingress(manifest: Manifest) -> DeclaredIngress | None:
    """None if it is no Ingress. What Kubernetes would refuse is left out: the API server says so."""
    if not manifest.is_a("Ingress", "networking.k8s.io"):
        return None
    spec = mapping(manifest.body, "spec")
    sealed = items(spec.get("tls"))
    addresses = []
    for rule in items(spec.get("rules")):
        host = str(rule.get("host") or "")
        if host and "*" not in host:
            paths = [str(path.get("path") or "/") for path in items(mapping(rule, "http").get("paths"))] or ["/"]
            scheme = "https" if any(_covers(entry, host) for entry in sealed) else "http"
            usable = [found for path in paths if (found := _address(path)) is not None]
            addresses += [f"{scheme}://{host}{path}" for path in sorted(usable, key=len)[:1]]
    class_name = spec.get("ingressClassName")
    return DeclaredIngress(
        class_by=manifest.where,
        tls_by=manifest.where,
        class_name=str(class_name) if class_name else None,
        tls_secrets=tuple(dict.fromkeys(str(entry["secretName"]) for entry in sealed if entry.get("secretName"))),
        annotations={str(k): str(v) for k, v in mapping(manifest.body, "metadata", "annotations").items()},
        addresses=tuple(dict.fromkeys(addresses)),
    )


def _covers(entry: Mapping[str, Any], host: str) -> bool:
    """Whether an entry of `tls` is for a host: one without hosts is for all (Kubernetes: IngressTLS)."""
    listed = entry.get("hosts")
    hosts = [str(one) for one in listed] if isinstance(listed, list) else []
    return not hosts or bool({host, f"*.{host.partition('.')[2]}"} & {*hosts})


def _address(path: str) -> str | None:
    """A path that can be asked for; None if that is not known of one that is a regular expression.

    Controllers such as nginx take a path of any type for one, by an annotation of their own.
    """
    special = _SPECIAL.search(path)
    if special is None:
        return path
    literal = path[: special.start() - (special[0] in "*?{")] if special.start() else ""
    try:
        return next((one for one in (literal, f"{literal}/") if one.startswith("/") and re.match(path, one)), None)
    except (re.error, OverflowError, RecursionError):
        # Too large a number, or too deep, for this language of expressions.
        return None
