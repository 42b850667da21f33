import json
import shutil
import socket
import subprocess

import pytest

from components.compose import probe
from components.docker_app.remote_docker import ApiAnswer
from tests.support.docker_double import DockerDouble


def image(*, shell: bool = True, **config: object) -> DockerDouble:
    def api(method: str, path: str) -> ApiAnswer:
        if method == "HEAD":
            return ApiAnswer(status=200 if shell else 404, body="")
        if path == "/images/sha256:1/json":
            return ApiAnswer(status=200, body=json.dumps({"Config": config}))
        return ApiAnswer(status=201, body=json.dumps({"Id": "c1"}))

    return DockerDouble(api=api)


def test_an_image_with_a_health_check_of_its_own_keeps_it() -> None:
    docker = image(Healthcheck={"Test": ["CMD", "check"]}, ExposedPorts={"80/tcp": {}})
    assert probe.find(docker, "sha256:1", 8080, "own-id") == probe.IMAGES_OWN
    assert probe.command(probe.IMAGES_OWN) is None


@pytest.mark.parametrize(
    ("given", "expected"), [(8080, "port 8080"), (None, "port 80")], ids=["of the route", "the lowest that is exposed"]
)
def test_else_its_port_is_asked_for(given: int | None, expected: str) -> None:
    docker = image(ExposedPorts={"443/tcp": {}, "80/tcp": {}, "53/udp": {}}, Healthcheck={"Test": ["NONE"]})
    assert probe.find(docker, "sha256:1", given, "own-id") == expected
    # What looks into the image is removed, and would be known as the stack's own if it were not.
    assert docker.requests[-1] == ("DELETE", "/containers/c1?force=true")
    assert json.loads(docker.bodies[1])["Labels"] == {"gitlab-deploy.id": "own-id"}


def test_nothing_is_asked_without_a_shell_or_a_port() -> None:
    assert probe.find(image(shell=False), "sha256:1", 8080, "own-id") == probe.NONE
    assert probe.find(image(), "sha256:1", None, "own-id") == probe.NONE
    assert probe.command(probe.NONE) is None


@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0", "::1"])
def test_the_command_succeeds_if_something_listens(address: str) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family) as listening:
        listening.bind((address, 0))
        number = listening.getsockname()[1]
        assert shell(number) == 1
        listening.listen()
        assert shell(number) == 0
    assert shell(number) == 1


def shell(port: int) -> int:
    command = probe.command(f"port {port}")
    assert command is not None
    assert command[:3] == ("CMD", "/bin/sh", "-c")
    for name in ("dash", "busybox"):
        assert shutil.which(name), name
    codes = {subprocess.run([*run, "-c", command[3]], check=False).returncode for run in (["dash"], ["busybox", "sh"])}
    assert len(codes) == 1
    return codes.pop()
