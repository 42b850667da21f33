"""Why a Docker host does not pull an image, which the provider does not report. No Pulumi here."""

import base64
import json
import re
from urllib.parse import quote

from components.docker_app.host_check import host_problem
from components.docker_app.remote_docker import RemoteDocker, RemoteDockerError
from components.printable import printable

_REMEDIES = (
    (r"no space left", "free some space there, such as by 'docker system prune'"),
    (
        r"denied|unauthorized|authentication",
        "if the deploy token of the block registry was revoked or has expired, 'pulumi up --refresh' creates another",
    ),
    (r"manifest unknown|not found", "push that image first, or fix gitlab-deploy:image"),
)


def pull_problem(remote: RemoteDocker, image: str, login: tuple[str, str] | None) -> str | None:
    """Pulls the image once more, with a user name and password: one sentence, or None if it is there by now.

    The password goes to Docker's Engine API, through ssh's standard input (POST /images/create).
    """
    auth = dict(zip(("username", "password"), login, strict=True)) if login else {}
    headers = {"X-Registry-Auth": base64.urlsafe_b64encode(json.dumps(auth).encode()).decode()}
    path = f"/images/create?fromImage={quote(image, safe='')}"
    try:
        answer = remote.request("POST", path, headers=headers, seconds=None)
    except RemoteDockerError:
        return (
            host_problem(remote)
            or f"The Docker host {remote.address} does not say why it cannot pull {image}; try again"
        )
    lines = [json.loads(line) for line in answer.body.splitlines() if line.startswith("{")]
    errors = [str(line.get("error") or line.get("message")) for line in lines if "error" in line or "message" in line]
    if not errors:
        return None
    remedy = next((text for pattern, text in _REMEDIES if re.search(pattern, errors[-1], re.IGNORECASE)), None)
    reason = printable(errors[-1])
    return f"The Docker host {remote.address} cannot pull {image}: {reason}; {remedy or 'fix that, and try again'}"
