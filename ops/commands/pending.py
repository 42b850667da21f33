"""What a killed run left half done, as the state tells it: Pulumi's pending operations."""

import json
from dataclasses import dataclass

from ops import cli as tools
from ops.ops_error import OpsError

REMEDY = (
    "see whether each exists; 'pulumi refresh --yes --clear-pending-creates --stack {stack}' forgets those that do not,"
    " 'pulumi refresh --stack {stack}' on a terminal asks for the ids of those that do"
)


@dataclass(frozen=True, kw_only=True)
class Pending:
    """Resources (URNs) whose operation was begun and not seen to end.

    Of `unknown` ones the state holds nothing but the beginning of a creation: they exist or not, no `destroy` deletes
    them, and neither `up` nor a plain `refresh --yes` forgets them (pulumi 3.250). The `known` ones are in the state,
    and a `refresh` sees what became of them.
    """

    unknown: tuple[str, ...] = ()
    known: tuple[str, ...] = ()


def read(stack: str) -> Pending:
    """Reads the stack's state; OpsError where it cannot be read. Its secrets stay encrypted, and are not printed."""
    found = tools.run("pulumi", "stack", "export", "--stack", stack, "--non-interactive")
    if found.returncode:
        raise OpsError(f"The state of stack {stack} cannot be read ({tools.last_line(found.stderr)}); see that error")
    deployment = json.loads(found.stdout)["deployment"] or {}
    there = {resource["urn"] for resource in deployment.get("resources") or []}
    begun = {item["resource"]["urn"] for item in deployment.get("pending_operations") or []}
    return Pending(unknown=tuple(sorted(begun - there)), known=tuple(sorted(begun & there)))
