"""Errors of the API server that people meet, with the way out. Pure."""

import re
from collections.abc import Iterable

# Kubernetes, apimachinery/pkg/util/managedfields: `conflict with "kubectl" using apps/v1: .spec.replicas`
_CONFLICT = re.compile(r'conflicts? with "(?P<manager>[^"]+)"[^:]*:\s*(?P<field>\.[^\s;,]+)?')
_REPLICAS = ".spec.replicas"


def way_out(kind: str, name: str, errors: Iterable[str]) -> str | None:
    """One sentence on what is wrong and one on what to do; None for an error that says so itself."""
    text = "\n".join(errors)
    conflict = _CONFLICT.search(text)
    if conflict and conflict["field"] == _REPLICAS:
        return (
            f"'{conflict['manager']}' has set the number of Pods of {kind} {name}. If that one is to own the number, "
            "take it out of the stack file (kubernetes.replicas), or of the manifest (spec.replicas); if not, put its "
            "number there or scale back"
        )
    if conflict:
        field = conflict["field"] or "a field"
        return (
            f"'{conflict['manager']}' has changed {field} of {kind} {name}, which this stack sets. "
            "'pulumi up --refresh' sets it again; what changes it has to stop"
        )
    if "field is immutable" in text:
        return (
            f"{kind} {name} exists with another value of a field that never changes. Give yours another name, "
            "or delete this one if nobody needs it, and run 'pulumi up --refresh'"
        )
    if "already exists" in text:
        return (
            f"{kind} {name} was made by somebody else while this run was on its way. Run the same command again, which "
            "says whose it is"
        )
    return None
