"""Running `pulumi` and `kubectl`, which commands find on PATH."""

import os
import shutil
import subprocess
from collections.abc import Mapping

from ops.ops_error import OpsError

TIMEOUT_SECONDS = 60


def run(
    *command: str,
    environment: Mapping[str, str] | None = None,
    timeout: float | None = TIMEOUT_SECONDS,
    stdin: str | None = None,
) -> subprocess.CompletedProcess[str]:
    """Runs a tool to its end and keeps what it prints; `environment` is added to this process's own.

    OpsError where the tool is not there, or has not ended after `timeout` seconds. With a `timeout` of None it is
    waited for as long as it takes: a run of Pulumi that is killed leaves a lock.
    """
    if shutil.which(command[0]) is None:
        raise OpsError(
            f"{command[0]} was not found on PATH; install it, or run 'eval \"$(make -s env)\"' for the sandbox's"
        )
    try:
        return subprocess.run(
            command,
            env={**os.environ, **(environment or {})},
            input=stdin,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise OpsError(f"{command[0]} {command[1]} did not end within {timeout:g} s; check the network") from error


def last_line(text: str) -> str:
    """The last line that says something, for a one-line report."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "no output"
