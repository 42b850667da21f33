"""A connection from a Docker host to a server that it reaches, made by its sshd. No Pulumi here."""

from collections.abc import Iterator
from contextlib import contextmanager
from socket import socket
from typing import IO

from components.docker_app.command_socket import CommandSocket
from components.docker_app.remote_docker import RemoteDocker
from components.printable import printable_lines


@contextmanager
def forwarded(remote: RemoteDocker, at: str, errors: IO[bytes]) -> Iterator[socket]:
    """The connection, to HOST:PORT (ssh -W); what ssh has to say of it is in `errors`.

    No program is needed on the host. A connection that is shared keeps to itself why it does not forward.
    """
    connection = CommandSocket(remote.dial(at), errors)
    try:
        yield connection.socket
    finally:
        connection.end()


def is_refused(said: str) -> bool:
    """Whether sshd does not forward, by what ssh has said."""
    return "open failed" in said or "stdio forwarding failed" in said


def why_refused(said: str) -> str:
    """Why it does not."""
    if "administratively prohibited" in said:
        return "its sshd allows no forwarding (AllowTcpForwarding, PermitOpen)"
    lines = printable_lines(said) or ["no answer"]
    return next((line.rpartition(": ")[2] for line in lines if "open failed" in line), lines[-1])
