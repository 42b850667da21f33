"""Running `pulumi`, `kubectl` and `git`, which commands find on PATH."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from ops.ops_error import OpsError

TIMEOUT_SECONDS = 60


def run(
    *command: str,
    environment: Mapping[str, str] | None = None,
    timeout: float | None = TIMEOUT_SECONDS,
    stdin: str | None = None,
    folder: Path | None = None,
    isolated: bool = False,
) -> subprocess.CompletedProcess[str]:
    """Runs a program to its end and keeps what it prints; `environment` is added to this process's own.

    It runs without a terminal in `folder` (default: the current one); if `isolated`, it gets nothing but `environment`.
    OpsError if the program is not found, or has not ended after `timeout` seconds. None waits as long as it takes: a
    run of Pulumi that is killed leaves a lock.
    """
    variables = {**({} if isolated else os.environ), **(environment or {})}
    if shutil.which(command[0], path=variables.get("PATH")) is None:
        raise OpsError(
            f"{command[0]} was not found on PATH; install it, or run 'eval \"$(make -s env)\"' for the sandbox's"
        )
    try:
        return subprocess.run(
            command,
            env=variables,
            cwd=folder,
            input=stdin or "",
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise OpsError(f"{command[0]} {command[1]} did not end within {timeout:g} s; check the network") from error


def last_line(text: str) -> str:
    """The last line that is not empty, for a one-line report."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "no output"
