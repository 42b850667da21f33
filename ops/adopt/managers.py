"""Field managers: what is the stack's is the stack's alone. Pure.

Server-side apply gives a field that two managers set to the same value to both of them. Then a change by the stack
would be a conflict, and a field that the stack gives up would stay.
"""

from collections.abc import Mapping, Sequence
from typing import Any

_OTHERS = ("kubectl", "before-first-apply", "pulumi-kubernetes")
"""Beginnings of the names of those who made an object by hand, or by a stack whose state was lost."""
_RELEASED = "gitlab-deploy-adopt"

Entry = Mapping[str, Any]
"""An entry of metadata.managedFields (Kubernetes: Server-Side Apply)."""


def released(entries: Sequence[Entry], own: str) -> tuple[list[Entry], list[str]]:
    """The entries with others than `own`, the stack's manager, under new names of their own; and these names.

    Whoever applies nothing under such a name takes the fields away that are nobody else's, and the name with them.
    """
    found: list[Entry] = []
    names: list[str] = []
    for entry in entries:
        manager = str(entry["manager"])
        # An entry for a subresource, such as the status, is a controller's.
        if "subresource" in entry or manager == own or not manager.startswith((*_OTHERS, _RELEASED)):
            found.append(entry)
        else:
            names.append(f"{_RELEASED}-{len(names)}")
            found.append({**entry, "manager": names[-1], "operation": "Apply"})
    return found, names
