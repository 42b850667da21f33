"""Questions over HTTP that tell whether a server is there."""

import json
import ssl
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.request import HTTPSHandler, ProxyHandler, build_opener


def answers(url: str, tls: ssl.SSLContext | None = None) -> bool:
    """Whether a server answers at `url`, and not with an error of its own (5xx)."""
    try:
        fetch(url, tls)
    except HTTPError as error:
        return error.code < 500
    except (OSError, HTTPException):
        return False
    return True


def document(url: str, tls: ssl.SSLContext | None = None) -> dict[str, Any] | None:
    """The JSON object at `url`, or None if there is none (yet)."""
    try:
        found: dict[str, Any] = json.loads(fetch(url, tls))
    except (OSError, HTTPException, ValueError):
        return None
    return found


def fetch(url: str, tls: ssl.SSLContext | None = None) -> bytes:
    """What is at `url`; never asked of a proxy, which would not know the sandbox's addresses."""
    with build_opener(ProxyHandler({}), HTTPSHandler(context=tls)).open(url, timeout=5) as reply:
        body: bytes = reply.read()
        return body
