"""A site asked for over TLS by its name: at an address, or from the Docker host itself through ssh."""

import ssl
from argparse import ArgumentTypeError
from contextlib import closing, nullcontext
from dataclasses import dataclass, replace
from http.client import HTTPConnection, HTTPException
from socket import create_connection, socket
from tempfile import TemporaryFile
from urllib.parse import urlsplit

from components.docker_app.forwarding import forwarded, is_refused, why_refused
from components.docker_app.remote_docker import RemoteDocker
from ops.ops_error import OpsError

PORT, PLAIN_PORT = 443, 80
CA_VARIABLE = "SITE_CA_FILE"
"""Where a job finds the authorities of a team's own: a variable of GitLab, of type file."""
CONNECT_SECONDS = 5
ANSWER_SECONDS = 30
"""For the login of ssh too."""
LONGEST = 1 << 20
"""Bytes of an answer that are looked at."""


class UnreachableError(Exception):
    """No connection could be made; its text says why."""


class UntrustedError(OpsError):
    """The certificate is not accepted. Its text ends with what the proxy needs; the caller adds the setting."""


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


def ask(host: str, path: str, trust: ssl.SSLContext | None, *, at: tuple[str, int]) -> Answer:
    """What the server at an address answers for the site, without TLS if `trust` is None.

    UnreachableError if there is none; OpsError and UntrustedError as `_ask`.
    """
    try:
        connected = create_connection(at, CONNECT_SECONDS)
    except OSError as error:
        raise UnreachableError(error.strerror or str(error)) from error
    with closing(connected):
        return _ask(connected, host, path, trust)


def ask_from(
    remote: RemoteDocker, host: str, path: str, trust: ssl.SSLContext | None, *, at: tuple[str, int]
) -> Answer:
    """The same from the Docker host, whose sshd makes the connection: no program is needed there."""
    with TemporaryFile() as errors:
        try:
            # A connection that is shared would keep to itself why it does not forward.
            with forwarded(replace(remote, shares_connection=False), shown(at), errors) as connected:
                return _ask(connected, host, path, trust)
        except OpsError as error:
            errors.seek(0)
            said = errors.read().decode(errors="replace")
            if not is_refused(said):
                raise
            raise UnreachableError(why_refused(said)) from error


def _ask(connected: socket, host: str, path: str, trust: ssl.SSLContext | None) -> Answer:
    """UntrustedError if the certificate is not accepted; OpsError, with what is wrong, if there is no answer."""
    connected.settimeout(ANSWER_SECONDS)
    try:
        with trust.wrap_socket(connected, server_hostname=host) if trust else nullcontext(connected) as secured:
            connection = HTTPConnection(host)
            connection.sock = secured
            connection.request("GET", path, headers={"Connection": "close"})
            response = connection.getresponse()
            return Answer(status=response.status, body=response.read(LONGEST).decode(errors="replace"))
    except ssl.SSLCertVerificationError as error:
        raise UntrustedError(
            f"its certificate is not accepted ({error.verify_message}); if an authority of your own has signed it, "
            f"name that authority's file with --ca or in {CA_VARIABLE}; if not, see that the proxy has a valid one for "
            "the name"
        ) from error
    except (OSError, HTTPException) as error:
        raise OpsError(f"there is no answer ({error or type(error).__name__})") from error
