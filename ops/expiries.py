"""Credentials that a stack uses and has not made: when do they expire?"""

import socket
import ssl
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from urllib.parse import urlsplit

import gitlab
import gitlab.exceptions
import requests

from ops.site import CONNECT_SECONDS, PORT
from ops.stack_status import Credential, StackStatus

TIMEOUT_SECONDS = 10


def of_sites(status: StackStatus, trust: ssl.SSLContext) -> Iterator[Credential]:
    """The certificate of each address, as far as one is shown from here; `ops verify` says why one is not accepted."""
    for host in dict.fromkeys(urlsplit(url).hostname for url in status.addresses if url.startswith("https://")):
        with suppress(OSError, ValueError):
            address = (host or "", PORT)
            with (
                socket.create_connection(address, CONNECT_SECONDS) as connected,
                trust.wrap_socket(connected, server_hostname=host) as secured,
            ):
                found = secured.getpeercert() or {}
            made, expires = (datetime.fromtimestamp(ssl.cert_time_to_seconds(str(found[key])), UTC) for key in _TIMES)
            yield Credential(name=f"Certificate of {host}", made=made, expires=expires)


def of_token(url: str, token: str | None) -> Iterator[Credential]:
    """The token for GitLab's API. A token of OAuth, which does not describe itself, is left out."""
    if not token:
        return
    client = gitlab.Gitlab(url, private_token=token, timeout=TIMEOUT_SECONDS)
    with suppress(gitlab.exceptions.GitlabError, requests.RequestException, ValueError):
        found = client.personal_access_tokens.get("self").attributes
        made, expires = (datetime.fromisoformat(str(found[key])) if found.get(key) else None for key in _OF_TOKEN)
        yield Credential(name=f"GitLab token {found.get('name')}", made=_zoned(made), expires=_zoned(expires))


_TIMES = ("notBefore", "notAfter")
_OF_TOKEN = ("created_at", "expires_at")


def _zoned(moment: datetime | None) -> datetime | None:
    return moment.replace(tzinfo=UTC) if moment and moment.tzinfo is None else moment
