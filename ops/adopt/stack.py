"""The stack that takes something over: its file, its state, and runs of Pulumi."""

import json
from collections.abc import Mapping
from typing import Any

from components import stack_state
from components.settings.settings import ADOPT
from components.stack_state import StateResource
from ops import cli
from ops.ops_error import OpsError
from ops.stack_name import StackName

_FORCE = {"PULUMI_K8S_ENABLE_PATCH_FORCE": "true"}
"""Has the Kubernetes provider set the fields that have another manager."""


def resources(stack: StackName) -> tuple[StateResource, ...]:
    """The resources in the state; their secrets stay encrypted."""
    return stack_state.parse(export(stack))


def export(stack: StackName) -> str:
    """The state, its secrets encrypted."""
    return _run("stack", "export", stack=stack)


def put_state(stack: StackName, state: Mapping[str, Any]) -> None:
    """Replaces the state."""
    _run("stack", "import", stack=stack, stdin=json.dumps(state))


def set_key(stack: StackName, path: str, value: str) -> None:
    """Writes a key into the stack file."""
    _run("config", "set", "--path", "--type", "string", f"gitlab-deploy:{path}", value, stack=stack)


def up(stack: StackName, adopted: list[str], *excluded: str) -> None:
    """Runs `pulumi up`, which takes over what has these ids; resources of these names are left for later."""
    options = [argument for name in excluded for argument in ("--exclude", f"**::{name}")]
    command = ("pulumi", "up", "--yes", "--skip-preview", "--non-interactive", "--stack", str(stack), *options)
    done = cli.run(*command, environment={**_FORCE, ADOPT: ",".join(adopted)}, timeout=None)
    if done.returncode:
        raise OpsError(
            f"'pulumi up' failed; correct the cause, and run the same command again:\n{done.stdout}\n{done.stderr}"
        )


def refresh(stack: StackName, resource: str) -> None:
    """Reads the resource of this name anew."""
    target = ("--target", f"**::{resource}")
    done = cli.run("pulumi", "refresh", "--yes", *target, "--non-interactive", "--stack", str(stack), timeout=None)
    if done.returncode:
        raise OpsError(f"'pulumi refresh' failed; run the same command again:\n{done.stdout}\n{done.stderr}")


def changes(stack: StackName) -> str | None:
    """What a preview would change; None if nothing."""
    command = ("pulumi", "preview", "--expect-no-changes", "--non-interactive", "--stack", str(stack))
    done = cli.run(*command, timeout=None)
    return f"{done.stdout}\n{done.stderr}" if done.returncode else None


def _run(*arguments: str, stack: StackName, stdin: str | None = None) -> str:
    done = cli.run("pulumi", *arguments, "--non-interactive", "--stack", str(stack), stdin=stdin)
    if done.returncode:
        raise OpsError(f"pulumi {arguments[0]} {arguments[1]} failed ({cli.last_line(done.stderr)}); see that error")
    return done.stdout
