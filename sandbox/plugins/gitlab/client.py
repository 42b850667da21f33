"""GitLab's REST API for the plugin: the requests, the waits and the words of client-go, which the official one uses."""

import json
import time
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import requests

CONNECT_SECONDS = 5
READ_SECONDS = 30
RETRIES = 10
"""How often a request is sent again after 429 or 5xx (default of `retries` in the official provider's schema)."""
BACKOFF_SECONDS = 0.1
"""First wait after a 429 that names no time (client-go, rateLimitBackoff)."""
BROKEN_SECONDS = 0.8
"""First wait after a 5xx; each further one is as much longer (client-go, LinearJitterBackoff of 0.7 to 0.9 s)."""


class PluginError(Exception):
    """A failure as the official plugin reports it: as `detail: summary` in the log, and as `summary: detail`."""

    def __init__(self, summary: str, detail: str) -> None:
        super().__init__(f"{summary}: {detail}")
        self.logged = f"[ERROR] {detail}: {summary}"


class UnservedError(Exception):
    """What only the official plugin can do; its text says how to install that."""


class ApiError(Exception):
    """GitLab refused, or did not answer. `status` is the HTTP status, 0 without an answer."""

    def __init__(self, text: str, status: int = 0) -> None:
        super().__init__(text)
        self.status = status


class Client:
    """A GitLab instance and the token to use there.

    `base_url` may end in `/api/v4/` or not. `verify` is as in requests: False, True, or a file with CA certificates.
    The token is sent as `Authorization: Bearer`, as the official plugin does for every kind of token. A request whose
    reply is lost is not sent again: client-go retries 429 and 5xx alone.
    """

    def __init__(self, base_url: str, token: str, *, verify: bool | str) -> None:
        self.base_url = f"{base_url.rstrip('/').removesuffix('/api/v4')}/api/v4"
        self._token = token
        self._verify = verify

    def call(
        self, verb: str, path: str, *, query: Mapping[str, str] | None = None, body: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Send one request and return the JSON object of the reply, an empty one if it has no body.

        Raises ApiError.
        """
        url = self.base_url + path
        response = self._send(verb, url, query, body)
        for attempt in range(RETRIES):
            if response.status_code != HTTPStatus.TOO_MANY_REQUESTS and response.status_code < 500:
                break
            time.sleep(_wait(response, attempt))
            response = self._send(verb, url, query, body)
        if not response.ok:
            raise ApiError(_refusal(verb, url, response), response.status_code)
        if not response.content:
            return {}
        try:
            reply = response.json()
        except requests.JSONDecodeError:
            raise ApiError(f"invalid character {response.text[:1]!r} looking for beginning of value") from None
        return reply if isinstance(reply, dict) else {}

    def _send(
        self, verb: str, url: str, query: Mapping[str, str] | None, body: Mapping[str, Any] | None
    ) -> requests.Response:
        try:
            return requests.request(
                verb,
                url,
                params=query,
                json=body,
                headers={
                    "Authorization": f"Bearer {self._token}",
                    "Accept": "application/json",
                    "User-Agent": "pulumi-resource-gitlab (stand-in)",
                },
                verify=self._verify,
                timeout=(CONNECT_SECONDS, READ_SECONDS),
            )
        except requests.RequestException as error:
            raise ApiError(f'{verb.capitalize()} "{url}": {_cause(error, url)}') from None


def project_path(project: str, *parts: str) -> str:
    """Return the path of something in a project, which is named by its number or by its full path."""
    return "/".join(["/projects", *(quote(part, safe="").replace(".", "%2E") for part in (project, *parts))])


def _wait(response: requests.Response, attempt: int) -> float:
    """Return the seconds to wait; of the headers, client-go reads RateLimit-Reset (Unix time) and no Retry-After."""
    if response.status_code != HTTPStatus.TOO_MANY_REQUESTS:
        return BROKEN_SECONDS * (attempt + 1)
    reset = response.headers.get("RateLimit-Reset", "")
    return max(BACKOFF_SECONDS, int(reset) - time.time()) if reset.isdigit() else BACKOFF_SECONDS * 2**attempt


def _refusal(verb: str, url: str, response: requests.Response) -> str:
    """Return client-go's text of a refusal; of a 404 it reads nothing else."""
    if response.status_code == HTTPStatus.NOT_FOUND:
        return "404 Not Found"
    try:
        message = _flat(json.loads(response.content))
    except ValueError:
        message = f"failed to parse unknown error format: {response.text}"
    return f"{verb.upper()} {unquote(url)}: {response.status_code} {message}"


def _flat(message: object) -> str:
    """Return an error's body as client-go prints it (parseError)."""
    if isinstance(message, dict):
        return ", ".join(sorted(f"{{{key}: {_flat(value)}}}" for key, value in message.items()))
    if isinstance(message, list):
        return f"[{', '.join(_flat(item) for item in message)}]"
    return str(message)


def _cause(error: requests.RequestException, url: str) -> str:
    """Return Go's words for what went wrong on the way. The exception's own text may hold a header: it is not used."""
    address = urlsplit(url)
    host = address.hostname
    if isinstance(error, requests.exceptions.SSLError):
        return "tls: failed to verify certificate: x509: certificate signed by unknown authority"
    if isinstance(error, requests.Timeout):
        return "context deadline exceeded"
    if "Connection refused" in str(error):
        return f"dial tcp {host}:{address.port or 80}: connect: connection refused"
    if "resolve" in str(error):
        return f"dial tcp: lookup {host}: no such host"
    return "EOF"
