"""Sites behind the Docker host's proxy, asked as users ask: over TLS, by name, with the sandbox's authority."""

import socket
import ssl
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from sandbox.hosts.docker_host import DockerHost


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came of one request."""

    asked: float
    """When it was sent, by the monotonic clock."""
    status: int
    """0 if there was no answer."""
    body: str


def connect(docker: DockerHost, host: str, timeout: float = 10) -> HTTPConnection:
    """A connection of its own to the entry point websecure, for this site."""
    connection = HTTPConnection(host, timeout=timeout)
    plain = socket.create_connection((docker.proxy, 443), timeout=timeout)
    try:
        connection.sock = _trusting(docker.certificate.authority).wrap_socket(plain, server_hostname=host)
    except OSError:
        plain.close()
        raise
    return connection


def ask(docker: DockerHost, host: str, path: str = "/version.txt", timeout: float = 10) -> Answer:
    """Asks the proxy for a page of a site, the one with its version by default, on a connection of its own."""
    return _ask(lambda: connect(docker, host, timeout), path)


def ask_plain(address: str) -> Answer:
    """Asks the server at an address for its version, without TLS."""
    return _ask(lambda: HTTPConnection(address, timeout=60), "/version.txt")


def _ask(connected: Callable[[], HTTPConnection], path: str) -> Answer:
    def once() -> tuple[int, str]:
        with closing(connected()) as connection:
            return read(connection, path)

    return answered(once)


def answered(request: Callable[[], tuple[int, str]]) -> Answer:
    """What came of a request that gives status and text."""
    asked = time.monotonic()
    try:
        status, body = request()
    except (OSError, HTTPException) as error:
        return Answer(asked=asked, status=0, body=repr(error))
    return Answer(asked=asked, status=status, body=body)


def read(connection: HTTPConnection, path: str = "/version.txt", body: str | None = None) -> tuple[int, str]:
    """Status and text of a page; of the answer to a form, if there is a body."""
    connection.request("GET" if body is None else "POST", path, body)
    response = connection.getresponse()
    return response.status, response.read().decode().strip()


@cache
def _trusting(authority: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=authority)
