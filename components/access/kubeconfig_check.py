"""Whether the API server answers to the kubeconfig that jobs get, before a variable that works is replaced by it."""

import asyncio
import subprocess
import tempfile
from contextlib import ExitStack
from pathlib import Path

from components import cancellation
from components.cluster.kubectl import Kubectl, get_raw, is_answer, kubectl, reason_of
from components.settings.access import Access

_SECONDS = 10
_ATTEMPTS = 5
_PAUSE_SECONDS = 1.0
_LOGIN = ("error: You must be logged in", "Error from server (Unauthorized)")


async def problem(kubeconfig: str, access: Access, run: Kubectl = kubectl) -> str | None:
    """Why jobs could not use the kubeconfig; None if the API server knows its user, who need not be let do anything.

    An API server may know a token a moment after it was made.
    """
    try:
        for attempt in range(_ATTEMPTS):
            if attempt:
                await asyncio.sleep(_PAUSE_SECONDS)
            asked = await asyncio.to_thread(_ask, kubeconfig, run)
            is_unknown = any(line.startswith(_LOGIN) for line in asked.stderr.splitlines())
            if not is_unknown:
                break
    except FileNotFoundError:
        return "There is no kubectl on PATH, which asks the API server; install it"
    if is_answer(asked) and not is_unknown:
        return None
    reason = reason_of(asked)
    return (
        f"The API server {access.server} does not accept the kubeconfig that jobs get ({reason}), so no variable was "
        f"changed; {_remedy(reason, access, is_unknown=is_unknown)}"
    )


def _ask(kubeconfig: str, run: Kubectl) -> subprocess.CompletedProcess[str]:
    # kubectl reads it more than once, so it is no pipe. The file is its owner's alone.
    with ExitStack() as ended:
        with cancellation.making():
            file = ended.enter_context(tempfile.NamedTemporaryFile("w", prefix="kubeconfig-"))
            ended.enter_context(cancellation.removed(Path(file.name).unlink))
        file.write(kubeconfig)
        file.flush()
        # Whoever is logged in may look there, and nobody else (RBAC: system:discovery).
        return get_raw("/api", f"--kubeconfig={file.name}", run=run, seconds=_SECONDS)


def _remedy(reason: str, access: Access, *, is_unknown: bool) -> str:
    if is_unknown:
        return "let access.server lead to the cluster that this stack is on"
    if "unknown authority" in reason or "not trusted" in reason:
        word = "that of the cluster is in it; " if access.certificate_authority is None else ""
        return f"{word}set access.certificateAuthority to the authority of that server, or to 'system' for a public one"
    if "certificate is valid for" in reason or "x509" in reason:
        return "set access.tlsServerName to a name that its certificate has, or correct access.server"
    return (
        "correct access.server or access.proxyUrl, or set access.checkServer to false if that is reached by the jobs "
        "alone"
    )
