"""Who asks by HTTP Basic: the container registry's clients and git (find_for_git_client in lib/gitlab/auth.rb)."""

from base64 import b64decode
from dataclasses import dataclass
from datetime import UTC, datetime

from starlette.requests import Request

from sandbox.gitlab import deploy_tokens
from sandbox.gitlab.auth import token_digest
from sandbox.gitlab.projects import base_url
from sandbox.gitlab.records import AccessToken, DeployToken, JobToken, User
from sandbox.gitlab.store import Store

JOB_USER = "gitlab-ci-token"
ACCESS_DENIED = (
    "HTTP Basic: Access denied. If a password was provided for Git authentication, the password was incorrect or "
    "you're required to use a token instead of a password. If a token was provided, it was either incorrect, expired, "
    "or improperly scoped. See {base}/help/user/profile/account/two_factor_authentication_troubleshooting.md"
    "#error-http-basic-access-denied-if-a-password-was-provided-for-git-authentication-"
)


class AccessDeniedError(Exception):
    """A password that is no live token; the text is GitLab's."""


@dataclass(frozen=True, kw_only=True)
class Actor:
    """Who asks: a user by an access token, a deploy token, or a job."""

    user: User | None = None
    deploy_token: DeployToken | None = None
    job_project_id: int | None = None
    """The project of the job that asks, with the rights of its user."""
    scopes: tuple[str, ...] = ()
    """Of the token; a job's has none."""


def authenticate(request: Request) -> Actor | None:
    """Return who asks, None without HTTP Basic; AccessDeniedError for a password that is no live token."""
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        username, _, password = b64decode(encoded).decode().partition(":")
    except ValueError:
        username = password = ""
    store: Store = request.app.state.store
    digest = token_digest(password)
    if username == JOB_USER:
        # With this name the password is a running job's token, and nothing else.
        for running in store.find(JobToken, sha256=digest):
            return Actor(user=store.find(User, id=running.user_id)[0], job_project_id=running.project_id)
        raise AccessDeniedError(ACCESS_DENIED.format(base=base_url(request)))
    for token in store.find(AccessToken, sha256=digest):
        if token.dead:
            break
        # Whose it is says the token alone: GitLab takes any user name with it.
        return Actor(user=store.find(User, id=token.user_id)[0], scopes=token.scopes)
    for deploy_token in store.find(DeployToken, sha256=digest):
        if deploy_tokens.entity(deploy_token)["username"] == username and live(deploy_token):
            return Actor(deploy_token=deploy_token, scopes=deploy_token.scopes)
    raise AccessDeniedError(ACCESS_DENIED.format(base=base_url(request)))


def live(token: DeployToken) -> bool:
    """Tell whether the moment at which a token expires is yet to come (scope `active` in app/models/deploy_token.rb).

    The API calls a token expired only when the day is over.
    """
    return token.expires_at is None or datetime.fromisoformat(token.expires_at) >= datetime.now(UTC)
