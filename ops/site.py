"""A site asked for over TLS by its name: at an address, or from the Docker host itself through ssh."""

import ssl
import subprocess
from argparse import ArgumentTypeError
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from socket import create_connection, socket, socketpair
from tempfile import TemporaryFile
from typing import IO
from urllib.parse import urlsplit

from components.docker_app.remote_docker import RemoteDocker
from ops import cli as tools
from ops.ops_error import OpsError

PORT = 443
CA_VARIABLE = "SITE_CA_FILE"
"""Where a job finds the authorities of a team's own: a variable of GitLab, of type file."""
CONNECT_SECONDS = 5
ANSWER_SECONDS = 30
"""For the login of ssh too."""
LONGEST = 1 << 20
"""Bytes of an answer that are looked at."""


class UnreachableError(Exception):
    """No connection could be made; its text says why."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a site answers."""

    status: int
    body: str


def trusting(authorities: str | None) -> ssl.SSLContext:
    """The machine's own certificate authorities, and those in a PEM file; OpsError if it is not one."""
    context = ssl.create_default_context()
    if authorities:
        try:
            context.load_verify_locations(authorities)
        except (OSError, ssl.SSLError) as error:
            raise OpsError(
                f"{authorities}: {error.strerror or error}; --ca and {CA_VARIABLE} name a file of certificates in PEM"
            ) from error
    return context


def endpoint(text: str) -> tuple[str, int]:
    """Host and port of ADDRESS or ADDRESS:PORT, as an argument of a command."""
    try:
        url = urlsplit(f"//{text}")
        port = url.port or PORT
    except ValueError:
        url, port = urlsplit(""), 0
    if not url.hostname or url.netloc != text or url.username is not None:
        raise ArgumentTypeError(f"{text!r} is no address; write ADDRESS or ADDRESS:PORT, such as 192.0.2.7:443")
    return url.hostname, port


def shown(at: tuple[str, int]) -> str:
    """ADDRESS:PORT, or [ADDRESS]:PORT if the address is one of IPv6."""
    return f"[{at[0]}]:{at[1]}" if ":" in at[0] else f"{at[0]}:{at[1]}"


def ask(host: str, path: str, trust: ssl.SSLContext, *, at: tuple[str, int]) -> Answer:
    """What the server at an address answers for the site. UnreachableError if there is none; OpsError as `_ask`."""
    try:
        connected = create_connection(at, CONNECT_SECONDS)
    except OSError as error:
        raise UnreachableError(error.strerror or str(error)) from error
    with closing(connected):
        return _ask(connected, host, path, trust)


def ask_from(remote: RemoteDocker, host: str, path: str, trust: ssl.SSLContext, *, at: tuple[str, int]) -> Answer:
    """The same from the Docker host, whose sshd makes the connection: no program is needed there."""
    with TemporaryFile() as errors:
        try:
            with _forwarded(remote, at, errors) as connected:
                return _ask(connected, host, path, trust)
        except OpsError as error:
            errors.seek(0)
            said = errors.read().decode(errors="replace")
            if "open failed" not in said and "stdio forwarding failed" not in said:
                raise
            raise UnreachableError(_why(said)) from error


def _ask(connected: socket, host: str, path: str, trust: ssl.SSLContext) -> Answer:
    """OpsError, with what is wrong, if the certificate is not accepted or there is no answer."""
    connected.settimeout(ANSWER_SECONDS)
    try:
        with trust.wrap_socket(connected, server_hostname=host) as secured:
            connection = HTTPConnection(host)
            connection.sock = secured
            connection.request("GET", path, headers={"Connection": "close"})
            response = connection.getresponse()
            return Answer(status=response.status, body=response.read(LONGEST).decode(errors="replace"))
    except ssl.SSLCertVerificationError as error:
        raise OpsError(
            f"its certificate is not accepted ({error.verify_message}); name the file of your own authority with --ca "
            f"or in {CA_VARIABLE}, and see that gitlab-deploy:dockerHost.certResolver is one that the proxy has"
        ) from error
    except (OSError, HTTPException) as error:
        raise OpsError(f"there is no answer ({error or type(error).__name__})") from error


@contextmanager
def _forwarded(remote: RemoteDocker, at: tuple[str, int], errors: IO[bytes]) -> Iterator[socket]:
    """A connection that ends in sshd on the host, which forwards it (ssh -W)."""
    # A connection that is shared would keep to itself why it does not forward.
    command = ["ssh", *remote.provider_options, "-W", shown(at), *remote.target]
    ours, theirs = socketpair()
    with closing(ours):
        with closing(theirs):
            ssh = subprocess.Popen(
                command,
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
                ssh.wait(CONNECT_SECONDS)
            except subprocess.TimeoutExpired:
                ssh.kill()
                ssh.wait()


def _why(said: str) -> str:
    """Why sshd does not forward."""
    if "administratively prohibited" in said:
        return "its sshd allows no forwarding (AllowTcpForwarding, PermitOpen)"
    return next(
        (line.rpartition(": ")[2] for line in said.splitlines() if "open failed" in line), tools.last_line(said)
    )
