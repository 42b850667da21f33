import base64
import json
from pathlib import Path

import pytest

from components.docker_app.pull import pull_problem
from components.docker_app.remote_docker import RemoteDocker

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIN1TP8Zk3fIPC98LZDnN3wH4hrQAwW1FW7pZb4FaV/b1"
HOST = RemoteDocker(address="ssh://deploy@host.example.com", host_key=KEY)
IMAGE = "registry.example.com/group/blog:1.0.0"
PULLING = '{"status":"Pulling from group/blog","id":"1.0.0"}'


@pytest.fixture
def docker(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Puts a program in the place of ssh, which writes down what it is asked, and answers with the file `answer`."""
    script = (
        f"#!/bin/sh\nsed '/^\\r$/q' > {tmp_path}/asked\necho \"$*\" > {tmp_path}/arguments\ncat {tmp_path}/answer\n"
    )
    (tmp_path / "ssh").write_text(script)
    (tmp_path / "ssh").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return tmp_path


def answer(docker: Path, *lines: str, status: str = "200 OK") -> None:
    body = "".join(f"{line}\r\n" for line in lines)
    (docker / "answer").write_bytes(f"HTTP/1.0 {status}\r\nContent-Type: application/json\r\n\r\n{body}".encode())


def test_password_goes_to_docker_by_standard_input_alone(docker: Path) -> None:
    answer(docker, PULLING)
    assert pull_problem(HOST, IMAGE, ("reader", "canary")) is None
    request = (docker / "asked").read_text().splitlines()
    assert request[0] == "POST /images/create?fromImage=registry.example.com%2Fgroup%2Fblog%3A1.0.0 HTTP/1.1"
    [auth] = [line.removeprefix("X-Registry-Auth: ") for line in request if line.startswith("X-Registry-Auth: ")]
    assert json.loads(base64.urlsafe_b64decode(auth)) == {"username": "reader", "password": "canary"}
    arguments = (docker / "arguments").read_text()
    assert arguments.endswith("-- host.example.com docker system dial-stdio\n")
    assert auth not in arguments


@pytest.mark.parametrize(
    ("lines", "status", "expected"),
    [
        (
            [PULLING, '{"errorDetail":{},"error":"write /tmp/x: no space left on device"}'],
            "200 OK",
            "write /tmp/x: no space left on device; free some space there, such as by 'docker system prune'",
        ),
        (
            ['{"message":"Head: unauthorized: HTTP Basic: Access denied"}'],
            "500 Internal Server Error",
            "Head: unauthorized: HTTP Basic: Access denied; if the deploy token of the block registry was revoked or "
            "has expired, 'pulumi up --refresh' creates another",
        ),
        (
            ['{"message":"manifest unknown: manifest unknown"}'],
            "404 Not Found",
            "manifest unknown: manifest unknown; push that image first, or fix gitlab-deploy:image",
        ),
        (
            [PULLING, '{"error":"dial tcp: i/o timeout"}'],
            "200 OK",
            "dial tcp: i/o timeout; fix that, and try again",
        ),
    ],
)
def test_reason_that_docker_gives_is_shown_with_a_remedy(
    docker: Path, lines: list[str], status: str, expected: str
) -> None:
    answer(docker, *lines, status=status)
    assert (
        pull_problem(HOST, IMAGE, ("reader", "canary"))
        == f"The Docker host {HOST.address} cannot pull {IMAGE}: {expected}"
    )


def test_host_that_is_lost_meanwhile_is_named(docker: Path) -> None:
    (docker / "ssh").write_text("#!/bin/sh\necho 'connect to host: Connection refused' >&2\nexit 255\n")
    said = pull_problem(HOST, IMAGE, None)
    assert said
    assert said.startswith(f"The Docker host {HOST.address} cannot be used: nothing listens on that port")


def test_without_a_login_the_one_that_the_host_has_is_used(docker: Path) -> None:
    (docker / "ssh").write_text(f'#!/bin/sh\nfor word; do last=$word; done\necho "$last" >{docker}/arguments\n')
    assert pull_problem(HOST, IMAGE, None) is None
    assert (docker / "arguments").read_text() == f"docker pull --quiet {IMAGE}\n"


def test_refusal_without_a_login_says_where_to_log_in(docker: Path) -> None:
    refusal = "Error response from daemon: Head: unauthorized: HTTP Basic: Access denied"
    (docker / "ssh").write_text(f"#!/bin/sh\necho '{refusal}' >&2\nexit 1\n")
    said = pull_problem(HOST, IMAGE, None)
    assert said
    assert f"cannot pull {IMAGE}: {refusal}; add the block gitlab-deploy:registry, or run 'docker login'" in said
