"""Why a Docker host does not pull an image: the provider leaves out what Docker says once it has begun.

Pure: no Pulumi here.
"""

import base64
import json
import os
import re
import subprocess
from urllib.parse import quote

from components.docker_app.ssh import DockerHost

_REMEDIES = (
    (r"no space left", "free some space there, such as by 'docker system prune'"),
    (
        r"denied|unauthorized|authentication",
        "where the deploy token of the block registry was revoked or has ended, 'pulumi up --refresh' makes another",
    ),
    (r"manifest unknown|not found", "push that image first, or mend gitlab-deploy:image"),
)


def refusal(host: DockerHost, image: str, login: tuple[str, str] | None) -> str | None:
    """Pulls the image once more, with a user name and password: one sentence, or None where it is there by now.

    The password goes to Docker's own API, through ssh's standard input (Engine API: POST /images/create).
    """
    auth = dict(zip(("username", "password"), login, strict=True)) if login else {}
    request = (
        # HTTP/1.0, so that the answer is not cut into chunks, and ends with the connection.
        f"POST /images/create?fromImage={quote(image, safe='')} HTTP/1.0\r\nHost: docker\r\nContent-Length: 0\r\n"
        f"X-Registry-Auth: {base64.urlsafe_b64encode(json.dumps(auth).encode()).decode()}\r\n\r\n"
    )
    # Docker gives a pull up once its connection is closed on this side: the end of the pipe stays open.
    out, into = os.pipe()
    try:
        os.write(into, request.encode())
        answer = subprocess.run(
            host.command("system", "dial-stdio"),
            stdin=out,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        ).stdout
    finally:
        os.close(into)
        os.close(out)
    head, _, body = answer.partition("\n\n")
    if not head.startswith("HTTP/1."):
        return (
            host.problem(None) or f"The Docker host {host.address} does not say why it cannot pull {image}; try again"
        )
    said = [json.loads(line) for line in body.splitlines() if line.startswith("{")]
    errors = [str(line.get("error") or line.get("message")) for line in said if "error" in line or "message" in line]
    if not errors:
        return None
    remedy = next((text for pattern, text in _REMEDIES if re.search(pattern, errors[-1], re.IGNORECASE)), None)
    return f"The Docker host {host.address} cannot pull {image}: {errors[-1]}; {remedy or 'mend that, and try again'}"
