"""The credential of a stack's jobs, fetched from GitLab's API and given to commands as a runner gives it to a job."""

import base64
import binascii
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import gitlab

from components.access.kubeconfig import KUBECONFIG
from ops import cli
from ops.gitlab.api import translate_errors
from ops.ops_error import OpsError


@dataclass(frozen=True, kw_only=True)
class Variable:
    """The variable KUBECONFIG as GitLab stores it."""

    value: str
    variable_type: str
    masked: bool
    protected: bool

    def __repr__(self) -> str:
        return f"Variable({self.variable_type}, masked={self.masked}, protected={self.protected})"


def fetch(url: str, project: str, environment: str) -> Variable:
    """The variable of this project and environment scope, read with the token the stack itself uses."""
    client = gitlab.Gitlab(url, oauth_token=_token(), timeout=10, retry_transient_errors=False)
    scope = {"environment_scope": environment}
    action = f"give the variable {KUBECONFIG} of {project} for {environment}, at {url}"
    with translate_errors(action, "run 'pulumi up', and check that the token has scope api"):
        found = client.projects.get(project, lazy=True).variables.get(KUBECONFIG, filter=scope)
    return Variable(
        value=found.value, variable_type=found.variable_type, masked=found.masked, protected=found.protected
    )


@contextmanager
def as_job(variable: Variable, form: str) -> Iterator[dict[str, str]]:
    """The environment of a job with this variable: the path of a file with the value.

    A runner writes the value of a `file` variable into a file. The job itself decodes a `base64` one into a file.
    """
    content = variable.value.encode()
    if form == "base64":
        try:
            content = base64.b64decode(content, validate=True)
        except binascii.Error as error:
            raise OpsError(
                f"The variable {KUBECONFIG} is not base64, as the stack declares; run 'pulumi up'"
            ) from error
    with TemporaryDirectory() as folder:
        path = Path(folder, KUBECONFIG)
        path.touch(mode=0o600)
        path.write_bytes(content)
        yield {KUBECONFIG: str(path)}


def _token() -> str:
    if token := os.environ.get("GITLAB_TOKEN"):
        return token
    found = cli.run("pulumi", "config", "get", "gitlab-deploy:gitlabToken", "--non-interactive")
    if found.returncode or not found.stdout.strip():
        raise OpsError("There is no GitLab token; export GITLAB_TOKEN, or set gitlab-deploy:gitlabToken with --secret")
    return found.stdout.strip()
