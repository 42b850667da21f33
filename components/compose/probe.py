"""How it is seen that a service with a route can serve, if its file has no health check. No Pulumi here.

Traefik sends requests to a container without a health check as soon as it runs. So if the image has none either, its
port is asked for: whether a program listens on it, which a shell reads in /proc.
"""

import re
from urllib.parse import quote

from components.docker_app.labels import ID_LABEL
from components.docker_app.remote_docker import RemoteDocker, RemoteDockerError

IMAGES_OWN, NONE = "image", "none"
_PORT = re.compile(r"port ([0-9]+)")


def find(remote: RemoteDocker, image_id: str, port: int | None, identity: str) -> str:
    """What an image on the host can be asked: IMAGES_OWN, `port NUMBER`, or NONE without a shell or a port.

    `port` is the one that requests are sent to; else it is the lowest that the image exposes, as it is for Traefik.
    `identity` is the id of the stack. RemoteDockerError without an answer.
    """
    answer = remote.request("GET", f"/images/{quote(image_id, safe=':')}/json")
    if answer.message:
        raise RemoteDockerError(answer.message)
    config = answer.json.get("Config") or {}
    check = (config.get("Healthcheck") or {}).get("Test") or []
    if check and check[0] != "NONE":
        return IMAGES_OWN
    exposed = sorted(int(one.split("/")[0]) for one in config.get("ExposedPorts") or {} if one.endswith("/tcp"))
    asked = port or next(iter(exposed), None)
    return f"port {asked}" if asked and _has_shell(remote, image_id, identity) else NONE


def command(probe: str) -> tuple[str, ...] | None:
    """The health check that Docker is given; None if it gets none from here."""
    found = _PORT.fullmatch(probe)
    if found is None:
        return None
    # Local address and state of each socket; 0A is LISTEN (proc_net(5)).
    listens = f"*:{int(found[1]):04X}:0A"
    script = (
        f'while read -r _ local _ state _; do case "$local:$state" in {listens}) exit 0;; esac; done '
        "</proc/net/tcp; [ -r /proc/net/tcp6 ] && "
        f'while read -r _ local _ state _; do case "$local:$state" in {listens}) exit 0;; esac; done '
        "</proc/net/tcp6; exit 1"
    )
    return "CMD", "/bin/sh", "-c", script


def _has_shell(remote: RemoteDocker, image_id: str, identity: str) -> bool:
    """A container that is never started shows what is in an image."""
    created = remote.request_json(
        "POST", "/containers/create", {"Image": image_id, "Cmd": ["none"], "Labels": {ID_LABEL: identity}}
    )
    if created.message:
        raise RemoteDockerError(created.message)
    container = str(created.json["Id"])
    try:
        return remote.request("HEAD", f"/containers/{container}/archive?path=/bin/sh").status == 200
    finally:
        remote.request("DELETE", f"/containers/{container}?force=true")
