"""The socket that is a Docker host's daemon, with a stand-in for ssh that gives back what it gets."""

import os
import socket
from pathlib import Path

import pytest

from components.docker_app.remote_docker import RemoteDocker
from ops.docker_socket import docker_socket
from ops.ops_error import OpsError
from tests.support.programs import program

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINjmxQ507unn/4mXz6R18i7X2hFMaOevmNcsJ2Nqi/Hz"
REMOTE = RemoteDocker(address="ssh://deploy@docker.example.com:2222", host_key=KEY, shares_connection=False)


@pytest.fixture
def ssh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file with the arguments that ssh got."""
    arguments = tmp_path / "arguments"
    program(tmp_path, "ssh", f'printf "%s\\n" "$@" >> {arguments}; exec cat')
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return arguments


def ask(path: Path, text: bytes) -> bytes:
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
        client.sendall(text)
        client.shutdown(socket.SHUT_WR)
        answer = b""
        while part := client.recv(4096):
            answer += part
        return answer


def test_each_connection_is_an_ssh_with_the_pinned_host_key(ssh: Path, tmp_path: Path) -> None:
    path = tmp_path / "docker.sock"
    with docker_socket(REMOTE, path) as address:
        assert address == f"unix://{path}"
        assert [ask(path, text) for text in (b"one", b"two" * 50_000)] == [b"one", b"two" * 50_000]
    arguments = ssh.read_text().splitlines()
    assert arguments.count("docker system dial-stdio") == 2
    assert f"KnownHostsCommand=/bin/echo %H {KEY}" in arguments
    assert "StrictHostKeyChecking=yes" in arguments


@pytest.mark.usefixtures("ssh")
def test_a_connection_that_goes_on_ends_with_the_socket(tmp_path: Path) -> None:
    path = tmp_path / "docker.sock"
    with socket.socket(socket.AF_UNIX) as client:
        with docker_socket(REMOTE, path):
            client.connect(str(path))
            client.sendall(b"logs")
            assert client.recv(4) == b"logs"
        assert client.recv(1) == b""


def test_a_path_that_is_too_long_for_a_socket_is_one_sentence(tmp_path: Path) -> None:
    folder = tmp_path / ("x" * 120)
    folder.mkdir()
    with (
        pytest.raises(OpsError, match="set TMPDIR to a folder with a shorter path"),
        docker_socket(REMOTE, folder / "docker.sock"),
    ):
        pass
