"""The stack that takes something over: its file, its state, and runs of Pulumi."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from components import stack_state
from components.image.history import Deployed
from components.outputs import StackOutputs
from components.settings import settings, stack_file
from components.settings.settings import ADOPT, Settings
from components.stack_state import StateResource
from ops import cli
from ops.ops_error import OpsError
from ops.stack_name import StackName

_FORCE = {"PULUMI_K8S_ENABLE_PATCH_FORCE": "true"}
"""Has the Kubernetes provider set the fields that have another manager."""


def read_settings(stack: StackName) -> Settings:
    """The stack file as the program reads it; OpsError with every problem."""
    shown = _run("config", "--json", "--show-secrets", stack=stack)
    config = json.loads(shown)
    # A secret has no place here but in memory: what is read is what the stack declares.
    values = {name: str(entry.get("value", "")) for name, entry in config.items()}
    secrets = [name for name, entry in config.items() if entry["secret"]]
    found, problems = settings.parse(
        values,
        secrets,
        stack.short,
        written=stack_file.read(Path.cwd(), stack.short, os.environ) if secrets else None,
        last=_last(stack),
    )
    if found is None:
        lines = "".join(f"\n  {problem}" for problem in problems)
        raise OpsError(f"{stack.file} has to be right before anything is taken over:{lines}")
    return found


def gitlab_token(stack: StackName) -> str | None:
    """The token for GitLab's API, as the program takes it."""
    found = cli.run("pulumi", "config", "get", "gitlab-deploy:gitlabToken", "--non-interactive", "--stack", str(stack))
    return found.stdout.strip() or os.environ.get("GITLAB_TOKEN")


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


def _last(stack: StackName) -> Deployed | None:
    shown = _run("stack", "output", "--json", "--show-secrets", stack=stack)
    outputs = cast("StackOutputs[str]", json.loads(shown))
    return Deployed.read(outputs.get("deployment"), outputs.get("deploymentHistory"))


def _run(*arguments: str, stack: StackName, stdin: str | None = None) -> str:
    done = cli.run("pulumi", *arguments, "--non-interactive", "--stack", str(stack), stdin=stdin)
    if done.returncode:
        raise OpsError(f"pulumi {arguments[0]} {arguments[1]} failed ({cli.last_line(done.stderr)}); see that error")
    return done.stdout
