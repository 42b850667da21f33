"""kubectl, which finds the cluster as the Kubernetes provider does. No Pulumi here."""

import re
import subprocess
from collections.abc import Callable, Mapping

from components.printable import printable_lines

KUBECTL_SECONDS = 20
_MORE_SECONDS = 3
"""What kubectl may take beyond the time of its requests."""
_UNKNOWN_USER = "error: You must be logged in"
_ANSWERS = ("Error from server", _UNKNOWN_USER)
"""What an error starts with that the API server has given (kubectl: cmd/util/helpers.go)."""
_PREFIX = re.compile(r"^(?:error: |Unable to connect to the server: )+")
_REFUSED = re.compile(r"The connection to the server \S+ was refused")

Kubectl = Callable[..., subprocess.CompletedProcess[str]]


def kubectl(
    *arguments: str, stdin: str = "", seconds: float | None = None, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Runs kubectl, by default on the cluster of the ambient kubeconfig. FileNotFoundError if there is none on PATH.

    With `seconds` it is given up after about that time, which is then the error.
    """
    try:
        return subprocess.run(
            ["kubectl", f"--request-timeout={seconds or KUBECTL_SECONDS:g}s", *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            env=environment,
            timeout=seconds + _MORE_SECONDS if seconds else None,
        )
    except subprocess.TimeoutExpired as expired:
        return subprocess.CompletedProcess(expired.cmd, 1, stdout="", stderr=f"no reply within {seconds:g} s")


def stream(*arguments: str) -> subprocess.Popen[str]:
    """Runs kubectl and gives its output as it comes. FileNotFoundError if there is none on PATH."""
    return subprocess.Popen(
        ["kubectl", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        errors="replace",
    )


def is_answer(asked: subprocess.CompletedProcess[str]) -> bool:
    """Whether the API server has answered, be it with a refusal."""
    lines = printable_lines(asked.stderr)
    return asked.returncode == 0 or bool(lines and lines[-1].startswith(_ANSWERS))


def is_unknown_user(asked: subprocess.CompletedProcess[str]) -> bool:
    """Whether the API server has answered that it does not know the credential (401)."""
    lines = printable_lines(asked.stderr)
    return asked.returncode != 0 and bool(lines and lines[-1].startswith(_UNKNOWN_USER))


def reason_of(asked: subprocess.CompletedProcess[str]) -> str:
    """Why kubectl has failed, in its own words but for those about a connection, which name the server again."""
    lines = printable_lines(asked.stderr)
    if lines and _REFUSED.match(lines[-1]):
        return "Connection refused"
    return _PREFIX.sub("", lines[-1]) if lines else "kubectl failed"
