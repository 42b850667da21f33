"""The resources in this stack's state, read while the program runs: for what no output of the last run says."""

import json
import os
import subprocess
from dataclasses import dataclass, field
from typing import Any

import pulumi

from components.printable import printable_lines

TIMEOUT_SECONDS = 60


@dataclass(frozen=True, kw_only=True)
class StateResource:
    """A resource of the state, also one that a later run has replaced and not yet deleted."""

    type: str
    id: str = ""
    outputs: dict[str, Any] = field(default_factory=dict)
    """Its secrets stay encrypted."""


def read_resources() -> tuple[StateResource, ...]:
    """All of them; RunError, which Pulumi shows with no traceback, if the state cannot be read.

    By the CLI that runs this program: the engine has a function for a stack's outputs only. It takes no lock.
    """
    name = f"{pulumi.get_organization()}/{pulumi.get_project()}/{pulumi.get_stack()}"
    command = ["pulumi", "stack", "export", "--stack", name, "--non-interactive"]
    try:
        done = subprocess.run(
            command,
            env={**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_SECONDS,
            check=True,
        )
        return parse(done.stdout)
    except FileNotFoundError as error:
        raise pulumi.RunError("Nothing was changed: there is no pulumi on PATH; add the folder of the CLI") from error
    except (subprocess.SubprocessError, ValueError) as error:
        lines = printable_lines(getattr(error, "stderr", None) or "") or [type(error).__name__]
        raise pulumi.RunError(
            f"Nothing was changed: the state of {name} cannot be read ({lines[-1]}); see whether "
            f"'pulumi stack export --stack {pulumi.get_stack()}' works, and run the same command again"
        ) from error


def parse(exported: str) -> tuple[StateResource, ...]:
    """The resources of what `pulumi stack export` prints; ValueError if it is no JSON. Pure."""
    deployment = json.loads(exported)["deployment"] or {}
    return tuple(
        StateResource(type=item["type"], id=item.get("id") or "", outputs=item.get("outputs") or {})
        for item in deployment.get("resources") or ()
    )
