"""Why a Docker host does not pull an image, which the provider does not report. No Pulumi here."""

import base64
import json
import re
from urllib.parse import quote

from components.docker_app.host_check import host_problem
from components.docker_app.remote_docker import RemoteDocker, RemoteDockerError
from components.printable import printable

_SSH_FAILED = 255
"""Its exit status if it has not run the command (ssh(1))."""
_DENIED = "denied|unauthorized|authentication"
_NO_LOGIN = "add the block gitlab-deploy:registry, or run 'docker login' on that host as the user of its address"
_REMEDIES = (
    (r"no space left", "free some space there, such as by 'docker system prune'"),
    (
        _DENIED,
        "if the deploy token of the block registry was revoked or has expired, 'pulumi up --refresh' creates another",
    ),
    (r"manifest unknown|not found", "push that image first, or fix gitlab-deploy:image"),
)


def pull_problem(remote: RemoteDocker, image: str, login: tuple[str, str] | None) -> str | None:
    """Pulls the image once more, with a user name and password: one sentence, or None if it is there by now.

    Without them, with the login that the host's own user has there (docker login), if it has one.
    """
    try:
        error = _pull_with(remote, image, login) if login else _pull_on_host(remote, image)
    except RemoteDockerError:
        return (
            host_problem(remote)
            or f"The Docker host {remote.address} does not say why it cannot pull {image}; try again"
        )
    if error is None:
        return None
    remedy = next((text for pattern, text in _REMEDIES if re.search(pattern, error, re.IGNORECASE)), None)
    if login is None and re.search(_DENIED, error, re.IGNORECASE):
        remedy = _NO_LOGIN
    reason = printable(error)
    return f"The Docker host {remote.address} cannot pull {image}: {reason}; {remedy or 'fix that, and try again'}"


def _pull_with(remote: RemoteDocker, image: str, login: tuple[str, str]) -> str | None:
    """The password goes to Docker's Engine API, through ssh's standard input (POST /images/create)."""
    auth = dict(zip(("username", "password"), login, strict=True))
    headers = {"X-Registry-Auth": base64.urlsafe_b64encode(json.dumps(auth).encode()).decode()}
    answer = remote.request("POST", f"/images/create?fromImage={quote(image, safe='')}", headers=headers, seconds=None)
    lines = [json.loads(line) for line in answer.body.splitlines() if line.startswith("{")]
    errors = [str(line.get("error") or line.get("message")) for line in lines if "error" in line or "message" in line]
    return errors[-1] if errors else None


def _pull_on_host(remote: RemoteDocker, image: str) -> str | None:
    """By the host's own docker command, which knows where its user's logins are."""
    done = remote.run("pull", "--quiet", image, seconds=None)
    if done.returncode == _SSH_FAILED:
        raise RemoteDockerError(done.stderr)
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    return None if done.returncode == 0 else (lines or ["docker pull printed nothing"])[-1]
