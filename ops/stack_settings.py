"""A stack's settings, read by a command as the program reads them."""

import json
import os
from pathlib import Path
from typing import cast

import pulumi

from components.image.history import Deployed
from components.manifests import load
from components.outputs import StackOutputs
from components.settings import settings, stack_file
from components.settings.settings import Settings
from ops import cli
from ops.ops_error import OpsError
from ops.stack_name import StackName


def outputs(stack: StackName) -> StackOutputs[str]:
    """The outputs of the last run, secret ones too; OpsError if they cannot be read."""
    return cast("StackOutputs[str]", json.loads(_run("stack", "output", "--json", "--show-secrets", stack=stack)))


def read(stack: StackName) -> Settings:
    """The stack file as the program reads it; OpsError with every problem."""
    config = json.loads(_run("config", "--json", "--show-secrets", stack=stack))
    # A secret has no place here but in memory: what is read is what the stack declares.
    values = {name: str(entry.get("value", "")) for name, entry in config.items()}
    secrets = [name for name, entry in config.items() if entry["secret"]]
    last = outputs(stack)
    found, problems = settings.parse(
        values,
        secrets,
        stack.short,
        written=stack_file.read(Path.cwd(), stack.short, os.environ) if secrets else None,
        last=Deployed.read(last.get("deployment"), last.get("deploymentHistory")),
    )
    if found is None:
        lines = "".join(f"\n  {problem}" for problem in problems)
        raise OpsError(f"{stack.file} has to be right first; correct it:{lines}")
    try:
        return load.load(found, Path.cwd(), os.environ)[0]
    except pulumi.RunError as error:
        raise OpsError(str(error)) from error


def _run(*arguments: str, stack: StackName) -> str:
    done = cli.run("pulumi", *arguments, "--non-interactive", "--stack", str(stack))
    if done.returncode:
        raise OpsError(f"pulumi {arguments[0]} failed ({cli.last_line(done.stderr)}); see that error")
    return done.stdout
