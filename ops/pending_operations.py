"""What a killed run of Pulumi left half done, as the state records it: pending operations."""

import json
from dataclasses import dataclass

from ops import cli
from ops.ops_error import OpsError
from ops.stack_name import StackName

CONTAINER = "docker:index/container:Container::"
"""In the URN of a container on a Docker host."""
CONTAINER_REMEDY = (
    "'pulumi refresh --yes --clear-pending-creates --stack {stack}' forgets it, and the next 'pulumi up' removes what"
    " there is of it, once the stack's own container serves"
)
REMEDY = (
    "see whether each exists; 'pulumi refresh --yes --clear-pending-creates --stack {stack}' forgets those that do not,"
    " 'pulumi refresh --stack {stack}' on a terminal asks for the ids of those that do"
)


@dataclass(frozen=True, kw_only=True)
class PendingOperations:
    """Resources (URNs) with an operation that was begun and is not known to have ended.

    Of `unknown` ones the state has only that their creation was begun: they exist or not, no `destroy` deletes them,
    and neither `up` nor a plain `refresh --yes` forgets them (pulumi 3.250). The `known` ones are in the state, and a
    `refresh` finds what became of them.
    """

    unknown: tuple[str, ...] = ()
    known: tuple[str, ...] = ()


def read(stack: StackName) -> PendingOperations:
    """Reads the stack's state; OpsError if it cannot be read. Its secrets stay encrypted, and are not printed."""
    exported = cli.run("pulumi", "stack", "export", "--stack", str(stack), "--non-interactive")
    if exported.returncode:
        raise OpsError(f"The state of stack {stack} cannot be read ({cli.last_line(exported.stderr)}); see that error")
    deployment = json.loads(exported.stdout)["deployment"] or {}
    resources = {resource["urn"] for resource in deployment.get("resources") or []}
    begun = {item["resource"]["urn"] for item in deployment.get("pending_operations") or []}
    return PendingOperations(unknown=tuple(sorted(begun - resources)), known=tuple(sorted(begun & resources)))
