"""What people have set with kubectl on the stack's own objects, and the stack's next change takes away again. Pure."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from components.printable import printable

# pulumi-kubernetes, pkg/await/await.go, fixCSAFieldManagers: before it applies an object, the provider makes itself the
# manager of the fields of every manager that starts with this word; what the stack does not set is then removed.
_MANAGER = "kubectl"
_PASSING = ("kubectl.kubernetes.io/restartedAt", "kubernetes.io/change-cause")
"""Annotations of `kubectl rollout restart` and `kubectl rollout undo`, which say what was done and no more."""
_UNDONE = "kubectl-rollout"
"""Manager of `kubectl rollout`: what it sets is an earlier state of what the stack has set."""
_SHOWN = 5


def taken_over(metadata: Mapping[str, Any]) -> str | None:
    """Who has set which fields of an object, from its metadata; None if nobody has."""
    found = [
        f"{field} ({printable(entry['manager'])})"
        for entry in metadata.get("managedFields") or ()
        if entry.get("manager", "").startswith(_MANAGER)
        and entry["manager"] != _UNDONE
        # A subresource, such as what `kubectl scale` writes, ends in a conflict.
        and not entry.get("subresource")
        for field in sorted(_fields(entry.get("fieldsV1") or {}, ""))
    ]
    more = [f"{len(found) - _SHOWN} more"] if len(found) > _SHOWN else []
    return ", ".join([*found[:_SHOWN], *more]) or None


def _fields(fields: Mapping[str, Any], path: str) -> Iterator[str]:
    """The paths of a FieldsV1 (Kubernetes API, ObjectMeta): each field, and each item of a list or map as a whole."""
    for key, below in fields.items():
        kind, _, name = key.partition(":")
        if key == "." or name in _PASSING:
            continue
        if kind == "k":
            here = f"{path}[{','.join(printable(str(value)) for value in json.loads(name).values())}]"
        elif kind == "f":
            here = f"{path}.{printable(name)}" if name.isidentifier() else f"{path}[{printable(name)}]"
        else:
            # An item of a list that has no keys, or what is new in this form: its list says enough.
            yield path
            continue
        if (kind == "k" and "." in below) or not below:
            yield here
        else:
            yield from _fields(below, here)
