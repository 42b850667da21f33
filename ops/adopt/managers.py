"""Field managers: what is the stack's is the stack's alone. Pure.

Server-side apply gives a field that two managers set to the same value to both of them. Then a change by the stack
would be a conflict, and a field that the stack gives up would stay.
"""

from collections.abc import Mapping, Sequence
from typing import Any

PULUMI = "pulumi-kubernetes"

Fields = Mapping[str, Any]
"""Of FieldsV1 (Kubernetes: Server-Side Apply, Field management)."""


def settled(entries: Sequence[Mapping[str, Any]], own: str) -> list[Mapping[str, Any]]:
    """The managed fields of an object once no other manager has a field of `own`, a stack's; lost stacks have none."""
    ours = next((entry["fieldsV1"] for entry in entries if entry["manager"] == own and _is_whole(entry)), {})
    found: list[Mapping[str, Any]] = []
    for entry in entries:
        if not _is_whole(entry) or entry["manager"] == own:
            found.append(entry)
        elif not entry["manager"].startswith(PULUMI):
            left = without(entry["fieldsV1"], ours)
            if left:
                found.append({**entry, "fieldsV1": left})
    return found


def without(theirs: Fields, ours: Fields) -> dict[str, Any]:
    """The fields of one manager that another has not."""
    found = {}
    for name, below in theirs.items():
        if name not in ours:
            found[name] = below
        elif below:
            left = without(below, ours[name])
            # What only says that an item is there is nothing without a field of it.
            if left.keys() - {"."}:
                found[name] = left
    return found


def _is_whole(entry: Mapping[str, Any]) -> bool:
    """Whether the entry is for the object, not for a subresource such as its status."""
    return "subresource" not in entry
