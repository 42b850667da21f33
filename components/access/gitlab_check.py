"""Whether GitLab takes the stack's token for what the stack does there. Asked before any resource is registered.

The provider says "404 Not Found" for a project that the token does not see, "unable to locate config file" without a
token, and 403 in the middle of a run. Here each cause has a sentence, and nothing is changed by asking.
"""

import http.client
import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import quote

from components.deadline import call_within
from components.user_agent import USER_AGENT

SECONDS = 8.0
"""For everything together, whatever GitLab, the network and the name service do."""
REQUEST_SECONDS = 5
ANSWER_BYTES = 2**20
WARNING_DAYS = 30
NO_TOKEN = "none"  # noqa: S105 - GITLAB_TOKEN of jobs that change nothing in GitLab: nothing is asked there
EARLY_CHECK = "GITLAB_EARLY_AUTH_CHECK"
TOKEN = "GITLAB_TOKEN"  # noqa: S105 - the variable's name
_API = "/api/v4"
# An empty page: what is asked is whether the list may be read, and no value is to be sent. A project holds 8000.
_LISTS = {"variables": "variables?per_page=1&page=9000", "deploy tokens": "deploy_tokens?per_page=1&page=9000"}
_KEYS = {
    "variables": "gitlabProject (or access.previewProject)",
    "deploy tokens": "gitlabProject (or registry.project)",
}


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What is wrong, in two sentences or clauses: the cause, and the fix."""

    text: str
    only_changes: bool = False
    """Whether it matters to a run that changes something alone, so that a preview goes on with a warning."""
    warning: bool = False
    """Whether nothing fails by it yet."""


@dataclass(frozen=True, kw_only=True)
class Check:
    """What is asked. `url` is the GitLab instance; `token` the stack's own, None for that of the environment."""

    url: str
    token: str | None = field(repr=False)
    projects: Mapping[str, frozenset[str]]
    """What the stack keeps in each project: `variables`, `deploy tokens`."""

    def findings(self, environment: Mapping[str, str]) -> list[Finding]:
        """Everything that is wrong; never raises, and takes SECONDS at most.

        With GITLAB_EARLY_AUTH_CHECK off, the provider's own switch, which the jobs of the templates set, all of it is a
        warning: what a deploy job changes is not in GitLab, and must not wait for a new token.
        """
        found = self._found(environment)
        if environment.get(EARLY_CHECK, "").lower() in {"0", "false"}:
            return [replace(finding, warning=True) for finding in found]
        return found

    def _found(self, environment: Mapping[str, str]) -> list[Finding]:
        if self.url.rstrip("/").endswith(_API):
            right = self.url.rstrip("/").removesuffix(_API)
            return [Finding(text=f"gitlab-deploy:gitlabUrl ends in {_API}, which is added to it; set it to {right}")]
        token = self.token or environment.get(TOKEN, "")
        if not self.token and token == NO_TOKEN:
            return []
        if not token:
            text = f"There is no GitLab token; export {TOKEN}, or set gitlab-deploy:gitlabToken with --secret"
            return [Finding(text=text)]
        if not token.isascii() or not token.isprintable() or " " in token:
            text = f"The GitLab token holds a space, a line end or another character that no token has; {self._remedy}"
            return [Finding(text=text)]
        try:
            return call_within(SECONDS, lambda: self._asked(_Api(self.url, token)))
        except TimeoutError as error:
            return [self._silent(str(error))]

    @property
    def _remedy(self) -> str:
        where = "set gitlab-deploy:gitlabToken to it with --secret" if self.token else f"export it as {TOKEN}"
        return f"make one of role Maintainer and scope api (GitLab: Settings > Access tokens), and {where}"

    def _silent(self, reason: str) -> Finding:
        return Finding(
            text=f"GitLab at {self.url} does not answer ({reason}); check gitlab-deploy:gitlabUrl and the network"
        )

    def _asked(self, api: "_Api") -> list[Finding]:
        try:
            found = self._token(api)
            for project, kept in self.projects.items():
                # Without a token that works there is no more to learn.
                if not any(not finding.warning for finding in found):
                    found += [finding for what in sorted(kept) for finding in self._project(api, project, what)]
        except _NoAnswerError as error:
            return [self._silent(str(error))]
        except _NotGitLabError as error:
            return [Finding(text=f"What answers at {self.url} is not GitLab ({error}); check gitlab-deploy:gitlabUrl")]
        return found

    def _token(self, api: "_Api") -> list[Finding]:
        answer = api.get("personal_access_tokens/self")
        if answer.status == http.HTTPStatus.UNAUTHORIZED:
            # It may be one of OAuth, such as `glab auth` has, of which GitLab tells no scopes.
            answer = api.get("user")
        if answer.status == http.HTTPStatus.UNAUTHORIZED:
            return [Finding(text=f"GitLab at {self.url} refused the token ({answer.reason}); {self._remedy}")]
        found = []
        scopes = answer.body.get("scopes")
        if isinstance(scopes, list) and "api" not in scopes:
            has = " and ".join(map(str, scopes)) or "no scope"
            text = (
                f"The GitLab token has {has}, and what this stack keeps in GitLab takes the scope api; {self._remedy}"
            )
            found.append(Finding(text=text, only_changes=True))
        expires = _day(answer.body.get("expires_at"))
        if expires and (expires - datetime.now(UTC).date()).days < WARNING_DAYS:
            # The same text each day, for notes and issues are edited when theirs changes.
            text = f"The GitLab token expires on {expires}; {self._remedy}"
            found.append(Finding(text=text, warning=True))
        return found

    def _project(self, api: "_Api", project: str, what: str) -> list[Finding]:
        answer = api.get(f"projects/{quote(project, safe='')}/{_LISTS[what]}")
        if answer.status == http.HTTPStatus.NOT_FOUND:
            return [
                Finding(
                    text=f"GitLab at {self.url} has no project {project}, or does not show it to this token; check "
                    f"gitlab-deploy:{_KEYS[what]}, and make the token's user a Maintainer there"
                )
            ]
        if answer.status == http.HTTPStatus.FORBIDDEN and not answer.body.get("scope"):
            text = (
                f"The GitLab token may not keep the {what} of the project {project}; give its user the role Maintainer "
                "there"
            )
            return [Finding(text=text, only_changes=True)]
        if answer.moved:
            text = f"The project {project} was renamed or moved; set gitlab-deploy:{_KEYS[what]} to its new path"
            return [Finding(text=text)]
        return []


@dataclass(frozen=True, kw_only=True)
class _Answer:
    status: int
    body: Mapping[str, Any]

    @property
    def moved(self) -> bool:
        return self.status in {301, 302, 307, 308}

    @property
    def reason(self) -> str:
        """GitLab's own words."""
        words = (self.body.get(key) for key in ("error_description", "message", "error"))
        return str(next((word for word in words if word), self.status)).rstrip(".")


class _NoAnswerError(Exception):
    """Nothing answered."""


class _NotGitLabError(Exception):
    """What answered is not GitLab's API."""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Follows nothing: the token is for the one address."""

    def redirect_request(self, *_: object) -> None:
        return None


class _Api:
    """GitLab's REST API, read with a token."""

    def __init__(self, url: str, token: str) -> None:
        self._base = f"{url}{_API}/"
        self._token = token
        self._opener = urllib.request.build_opener(_NoRedirect)

    def get(self, path: str) -> _Answer:
        """The answer, whatever its status."""
        request = urllib.request.Request(  # noqa: S310 - settings.rules takes http and https alone
            self._base + path,
            headers={"Authorization": f"Bearer {self._token}", "Accept": "application/json", "User-Agent": USER_AGENT},
        )
        try:
            with self._open(request) as response:
                status, content = response.status, response.read(ANSWER_BYTES + 1)
        except (OSError, http.client.HTTPException) as error:
            raise _NoAnswerError(_cause(error)) from None
        if len(content) > ANSWER_BYTES:
            raise _NotGitLabError("its answer is longer than 1 MiB")
        if status == http.HTTPStatus.TOO_MANY_REQUESTS or status >= 500 or status in {301, 302, 307, 308}:
            return _Answer(status=status, body={})
        try:
            body = json.loads(content)
        except ValueError:
            raise _NotGitLabError("its answer is no JSON") from None
        return _Answer(status=status, body=body if isinstance(body, dict) else {})

    def _open(self, request: urllib.request.Request) -> Any:  # noqa: ANN401 - urllib's own types
        try:
            return self._opener.open(request, timeout=REQUEST_SECONDS)
        except urllib.error.HTTPError as error:
            return error


def _day(text: object) -> date | None:
    try:
        return date.fromisoformat(str(text)[:10])
    except ValueError:
        return None


def _cause(error: Exception) -> str:
    reason = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(reason, TimeoutError):
        return f"no reply within {REQUEST_SECONDS} s"
    if isinstance(reason, ssl.SSLCertVerificationError):
        return (
            "its certificate is not trusted here: add the authority to the system's, or name its file in SSL_CERT_FILE"
        )
    if isinstance(reason, OSError) and reason.strerror:
        return reason.strerror
    return type(reason).__name__
