"""kubectl, which finds the cluster as the Kubernetes provider does. No Pulumi here."""

import json
import os
import re
import subprocess
import threading
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from components.printable import printable_lines

KUBECTL_SECONDS = 20
_MORE_SECONDS = 3
"""What kubectl may take beyond the time of its requests."""
_UNKNOWN_USER = "error: You must be logged in"
_ANSWERS = ("Error from server", _UNKNOWN_USER)
"""What an error starts with that the API server has given (kubectl: cmd/util/helpers.go)."""
_ERRORS = (
    *("Error from server", "error: ", "Error in configuration:", "* ", "Unable to ", "unable to "),
    *("The connection to the server ", "no reply within "),
)
"""What a line starts with that says why kubectl has failed; the reasons of a wrong kubeconfig are a list."""
_ASIDE = re.compile(r"Warning: |[IWEF][0-9]{4} ")
"""A warning of the API server, or a line of the log (klog: header), neither of which is why kubectl has failed."""
_PREFIX = re.compile(r"^(?:error: |Unable to connect to the server: )+")
_REFUSED = re.compile(r"The connection to the server \S+ was refused")

_CURRENT_SERVER = ("config", "view", "--minify", "--output", "jsonpath={.clusters[0].cluster.server}")
_KEEPS_PATH = (1, 34)
"""The first version of kubectl that asks below the path of the kubeconfig's server (kubernetes#131165)."""

Kubectl = Callable[..., subprocess.CompletedProcess[str]]

_prefixes: dict[tuple[object, ...], str] = {}
"""What precedes a path of the API server, by all that kubectl finds a kubeconfig with."""
_asking = threading.Lock()


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


def current_server(*flags: str, run: Kubectl = kubectl, **how: Any) -> subprocess.CompletedProcess[str]:  # noqa: ANN401
    """Asks for the address of the API server of the kubeconfig's current context; `how` is for `run`."""
    return run(*flags, *_CURRENT_SERVER, **how)


def get_raw(path: str, *flags: str, run: Kubectl = kubectl, **how: Any) -> subprocess.CompletedProcess[str]:  # noqa: ANN401
    """What the API server answers at a path of it, such as `/version`. FileNotFoundError without kubectl on PATH."""
    return run(*flags, "get", "--raw", raw_path(path, *flags, run=run, **how), **how)


def raw_path(path: str, *flags: str, run: Kubectl = kubectl, **how: Any) -> str:  # noqa: ANN401
    """What `kubectl get --raw` has to be given for a path of the API server.

    The server of a kubeconfig may be below a path, as behind Rancher (`https://HOST/k8s/clusters/ID`), which kubectl
    leaves out before 1.34. kubectl is asked for that once for each kubeconfig.
    """
    environment: Mapping[str, str] = how.get("environment") or os.environ
    of = (run, flags, tuple(sorted(environment.items())))
    with _asking:
        if of in _prefixes:
            return f"{_prefixes[of]}{path}"
        shown = current_server(*flags, run=run, **how)
        server = shown.stdout.strip()
        below = urlsplit(server).path.rstrip("/") if "://" in server else ""
        prefix = below if below and _client_version(run, **how) < _KEEPS_PATH else ""
        if shown.returncode == 0:
            _prefixes[of] = prefix
    return f"{prefix}{path}"


def _client_version(run: Kubectl, **how: Any) -> tuple[int, int]:  # noqa: ANN401
    """The version of kubectl itself; that of today if it does not say."""
    try:
        said = json.loads(run("version", "--client", "--output", "json", **how).stdout)["clientVersion"]
        # A distribution's own may have a sign behind the number.
        return int(said["major"]), int(re.sub(r"\D.*", "", said["minor"]))
    except (ValueError, KeyError, TypeError):
        return _KEEPS_PATH


def errors(stderr: str) -> list[str]:
    """The lines that say why kubectl has failed, which warnings, its log and a plugin's output may be around.

    If none has the form of kubectl's own, these are all that may be one.
    """
    lines = printable_lines(stderr)
    said = [line for line in lines if not _ASIDE.match(line)]
    return [line for line in said if line.startswith(_ERRORS)] or said or lines


def is_answer(asked: subprocess.CompletedProcess[str]) -> bool:
    """Whether the API server has answered, be it with a refusal."""
    return asked.returncode == 0 or _last_error(asked).startswith(_ANSWERS)


def is_unknown_user(asked: subprocess.CompletedProcess[str]) -> bool:
    """Whether the API server has answered that it does not know the credential (401)."""
    return asked.returncode != 0 and _last_error(asked).startswith(_UNKNOWN_USER)


def reason_of(asked: subprocess.CompletedProcess[str]) -> str:
    """Why kubectl has failed, in its own words but for those about a connection, which name the server again."""
    error = _last_error(asked)
    return "Connection refused" if _REFUSED.match(error) else _PREFIX.sub("", error) or "kubectl failed"


def _last_error(asked: subprocess.CompletedProcess[str]) -> str:
    """What it ended with; empty if it did not say."""
    return next(reversed(errors(asked.stderr)), "")
