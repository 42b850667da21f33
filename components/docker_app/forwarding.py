"""A connection from a Docker host to a server that it reaches, made by its sshd. No Pulumi here."""

import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from socket import socket, socketpair
from typing import IO

from components.docker_app.remote_docker import RemoteDocker
from components.printable import printable_lines

_END_SECONDS = 10


@contextmanager
def forwarded(remote: RemoteDocker, at: str, errors: IO[bytes]) -> Iterator[socket]:
    """The connection, to HOST:PORT (ssh -W); what ssh has to say of it is in `errors`.

    No program is needed on the host. A connection that is shared keeps to itself why it does not forward.
    """
    ours, theirs = socketpair()
    with closing(ours):
        with closing(theirs):
            ssh = subprocess.Popen(
                remote.dial(at),
                stdin=theirs.fileno(),
                stdout=theirs.fileno(),
                stderr=errors,
                # Without a terminal, on which the ssh of a jump host would ask.
                start_new_session=True,
            )
        try:
            yield ours
        finally:
            ours.close()
            try:
                ssh.wait(_END_SECONDS)
            except subprocess.TimeoutExpired:
                ssh.kill()
                ssh.wait()


def is_refused(said: str) -> bool:
    """Whether sshd does not forward, by what ssh has said."""
    return "open failed" in said or "stdio forwarding failed" in said


def why_refused(said: str) -> str:
    """Why it does not."""
    if "administratively prohibited" in said:
        return "its sshd allows no forwarding (AllowTcpForwarding, PermitOpen)"
    lines = printable_lines(said) or ["no answer"]
    return next((line.rpartition(": ")[2] for line in lines if "open failed" in line), lines[-1])
