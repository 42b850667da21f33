"""kubectl, which finds the cluster as the Kubernetes provider does. No Pulumi here."""

import subprocess
from collections.abc import Callable

KUBECTL_SECONDS = 20

Kubectl = Callable[..., subprocess.CompletedProcess[str]]


def kubectl(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """Runs kubectl on the cluster of the ambient kubeconfig."""
    return subprocess.run(
        ["kubectl", f"--request-timeout={KUBECTL_SECONDS}s", *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
