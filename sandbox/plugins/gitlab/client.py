"""GitLab's REST API for the plugin: python-gitlab, with every failure turned into one sentence for the user."""

import json
import threading
import time
from collections.abc import Mapping
from http import HTTPStatus
from http.client import responses
from typing import Any

import requests
from gitlab import Gitlab
from gitlab.exceptions import GitlabError, RedirectError
from gitlab.utils import EncodedId

CONNECT_SECONDS = 5
READ_SECONDS = 30
MAX_RETRIES = 8
RETRY_SECONDS = 60
"""How long one request may wait in all for a busy or limiting GitLab."""


class PluginError(Exception):
    """A failure the user can do something about; its text is the whole message."""


class RefusalError(PluginError):
    """GitLab's answer was not a success.

    `status` is the HTTP status, `reason` GitLab's own words, with nothing secret in them.
    """

    def __init__(self, text: str, status: int, reason: str) -> None:
        super().__init__(text)
        self.status = status
        self.reason = reason


class _Session(requests.Session):
    """A session that never waits without a bound and does not send a request twice over a broken connection.

    The official client retries on 429 and 5xx alone: a POST whose reply was lost is the user's to look into.
    """

    def __init__(self, base_url: str) -> None:
        super().__init__()
        self._base_url = base_url
        self.call = threading.local()
        """`call.deadline`: the monotonic time until which this thread's request may be retried."""

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:  # noqa: ANN401 - as in requests
        kwargs["timeout"] = (CONNECT_SECONDS, READ_SECONDS)
        try:
            response = super().send(request, **kwargs)
        except requests.RequestException as error:
            raise PluginError(f"GitLab at {self._base_url} cannot be reached: {_cause(error)}.") from None
        if response.status_code == HTTPStatus.TOO_MANY_REQUESTS or response.status_code >= 500:
            self._bound_wait(response)
        return response

    def _bound_wait(self, response: requests.Response) -> None:
        """Leave in Retry-After what python-gitlab is to wait, or give up where that is past the deadline."""
        wait = _wait_asked(response.headers)
        if wait is None:
            response.headers.pop("Retry-After", None)
            response.headers.pop("RateLimit-Reset", None)
        elif time.monotonic() + wait > self.call.deadline:
            raise PluginError(f"GitLab at {self._base_url} is busy ({response.status_code}) and asks to wait {wait} s.")
        else:
            response.headers["Retry-After"] = str(wait)


class Client:
    """A GitLab instance and the token to use there.

    `base_url` may end in `/api/v4/` or not. `verify` is as in requests: False, True, or a file with CA certificates.
    The token is sent as `Authorization: Bearer`, as the official plugin does for every kind of token.
    """

    def __init__(self, base_url: str, token: str, *, verify: bool | str) -> None:
        root = base_url.rstrip("/").removesuffix("/api/v4")
        self.base_url = f"{root}/api/v4"
        self._token = token
        self._session = _Session(self.base_url)
        self._gitlab = Gitlab(
            root,
            oauth_token=token,
            ssl_verify=verify,
            retry_transient_errors=True,
            user_agent="pulumi-resource-gitlab (stand-in)",
            session=self._session,
        )

    def call(
        self,
        verb: str,
        path: str,
        what: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Send one request and give the JSON object of the reply, an empty one where there is none.

        `what` completes "did not ..." in an error. Raises RefusalError, or PluginError where GitLab cannot be reached.
        """
        self._session.call.deadline = time.monotonic() + RETRY_SECONDS
        try:
            response = self._gitlab.http_request(
                verb,
                path,
                query_data=dict(query or {}),
                post_data=None if body is None else dict(body),
                max_retries=MAX_RETRIES,
            )
        except RedirectError:
            raise PluginError(
                f"GitLab at {self.base_url} redirects elsewhere: set baseUrl to where it is now."
            ) from None
        except GitlabError as error:
            raise self._refusal(error, path, what, [self._token, str((body or {}).get("value", ""))]) from None
        if not response.content:
            return {}
        try:
            reply = response.json()
        except requests.JSONDecodeError:
            reply = None
        if not isinstance(reply, dict):
            raise PluginError(f"What answers at {self.base_url} is not GitLab's API: check baseUrl.")
        return reply

    def _refusal(self, error: GitlabError, path: str, what: str, secrets: list[str]) -> RefusalError:
        status = error.response_code or 0
        reason = _reason(error.response_body or b"")
        for secret in filter(None, secrets):
            reason = reason.replace(secret, "[secret]")
        told = reason if str(status) in reason else f"{status} {reason or responses.get(status, '')}".rstrip()
        if status == HTTPStatus.UNAUTHORIZED:
            text = (
                f"GitLab at {self.base_url} refused the token ({told}): give the provider a valid one with scope `api`,"
                " as its `token` or in GITLAB_TOKEN."
            )
        else:
            text = f"GitLab at {self.base_url} did not {what} ({told}){_remedy(status, path)}."
        return RefusalError(text, status, reason)


def project_path(project: str, *parts: str) -> str:
    """Give the path of something in a project, which is named by its number or by its full path."""
    return "/".join(["/projects", EncodedId(project), *parts])


def _remedy(status: int, path: str) -> str:
    if status == HTTPStatus.FORBIDDEN:
        return ": the token needs scope `api` and in the project the Maintainer role (for environments Developer)"
    if status == HTTPStatus.NOT_FOUND:
        if path.startswith("/projects/"):
            return ": check the project's path or id, and that the token may see it"
        return ": check baseUrl"
    return ": try again later" if status == HTTPStatus.TOO_MANY_REQUESTS or status >= 500 else ""


def _cause(error: requests.RequestException) -> str:
    """Say what went wrong on the way. The text of the exception itself may hold a header, so it is not used."""
    if isinstance(error, requests.exceptions.SSLError):
        return "its TLS certificate is not trusted (cacertFile names the file with its CA)"
    if isinstance(error, requests.ConnectTimeout):
        return f"no connection within {CONNECT_SECONDS} s"
    if isinstance(error, requests.Timeout):
        return f"no reply within {READ_SECONDS} s, though it may have done what was asked"
    text = str(error)
    if "Connection refused" in text:
        return "connection refused"
    if "resolve" in text:
        return "the host name is not known"
    return "the connection broke before the reply, though it may have done what was asked"


def _wait_asked(headers: Mapping[str, str]) -> int | None:
    """Give the seconds that GitLab asks to wait: Retry-After, else until RateLimit-Reset (Unix time)."""
    after, reset = headers.get("Retry-After", ""), headers.get("RateLimit-Reset", "")
    if after.isdigit():
        return int(after)
    return max(0, int(reset) - int(time.time())) if reset.isdigit() else None


def _reason(body: bytes) -> str:
    """Give the words of an error's body: under `message`, or under `error` and `error_description`."""
    try:
        reply = json.loads(body)
    except ValueError:
        return ""
    if not isinstance(reply, dict):
        return ""
    words = [reply[key] for key in ("message", "error", "error_description") if key in reply]
    return ", ".join(_flat(word) for word in words)


def _flat(message: object) -> str:
    if isinstance(message, dict):
        return ", ".join(f"{key} {_flat(value)}" for key, value in message.items())
    if isinstance(message, list):
        return ", ".join(_flat(item) for item in message)
    return str(message)
