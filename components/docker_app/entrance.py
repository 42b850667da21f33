"""Asks the reverse proxy for a page, through ssh from the Docker host itself, or from here. No Pulumi here."""

import socket
import ssl
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from tempfile import TemporaryFile

from components.docker_app.forwarding import forwarded, why_refused
from components.docker_app.labels import PROBE_HEADER
from components.docker_app.remote_docker import RemoteDocker

_SECONDS = 10


@dataclass(frozen=True, kw_only=True)
class Entrance:
    """Where the proxy takes the requests of a site."""

    host: str
    """Host name of the site."""
    tls: bool = True
    address: str | None = None
    """HOST:PORT, as the Docker host reaches the proxy; None for 127.0.0.1 and the port of https or http."""

    @property
    def port(self) -> int:
        """The port of https or http."""
        return 443 if self.tls else 80

    @property
    def from_host(self) -> str:
        """HOST:PORT, as the Docker host reaches the proxy."""
        return self.address or f"127.0.0.1:{self.port}"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came back."""

    status: int = 0
    """Of HTTP; 0 if there was no answer."""
    token: str = ""
    """The container by whose route it came, if it came by that of a probe."""
    has_other_certificate: bool = False
    """Whether the proxy has shown a certificate that is not for the site's name, such as one that it makes up."""
    reason: str = ""
    """Why there was no answer."""


def ask_from_host(remote: RemoteDocker, entrance: Entrance, path: str) -> Answer:
    """Asks from the Docker host, whose sshd makes the connection: no DNS is asked, and nothing need be installed."""
    with TemporaryFile() as errors:
        try:
            with forwarded(remote, entrance.from_host, errors) as connected:
                return _ask(connected, entrance, path)
        except (OSError, HTTPException) as error:
            errors.seek(0)
            said = errors.read().decode(errors="replace")
            return Answer(reason=why_refused(said) if said.strip() else str(error) or type(error).__name__)


def ask_from_here(entrance: Entrance, path: str) -> Answer:
    """Asks from this machine, as a user's browser would find the site."""
    try:
        with socket.create_connection((entrance.host, entrance.port), timeout=_SECONDS) as plain:
            return _ask(plain, entrance, path)
    except (OSError, HTTPException) as error:
        return Answer(reason=str(error) or type(error).__name__)


def _ask(plain: socket.socket, entrance: Entrance, path: str) -> Answer:
    plain.settimeout(_SECONDS)
    shown: bytes | None = None
    connection = HTTPConnection(entrance.host, timeout=_SECONDS)
    with closing(connection):
        connection.sock = plain
        if entrance.tls:
            # Whom to trust is the business of the site's users. Here, the header says who has answered.
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            secure = context.wrap_socket(plain, server_hostname=entrance.host)
            connection.sock, shown = secure, secure.getpeercert(binary_form=True)
        connection.request("GET", path, headers={"Connection": "close"})
        response = connection.getresponse()
        return Answer(
            status=response.status,
            token=response.headers.get(PROBE_HEADER, ""),
            has_other_certificate=shown is not None and not _names(shown, entrance.host),
        )


def _names(certificate: bytes, host: str) -> bool:
    """Whether a certificate is for a host: its DER has the name, or that of all beside it (RFC 5280, dNSName)."""
    for name in (host.encode(), f"*.{host.partition('.')[2]}".encode()):
        length = [len(name)] if len(name) < 128 else [0x81, len(name)]
        if (bytes([0x82, *length]) + name).lower() in certificate.lower():
            return True
    return False
