"""GitLab's REST API as commands use it: one client, and errors in one sentence."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import gitlab
import gitlab.exceptions
import requests
from gitlab.v4.objects import Project

from ops.ops_error import OpsError
from ops.preview.plan_text import shorten

TIMEOUT_SECONDS = 30
REASON_LIMIT = 300
"""Characters of GitLab's own message that are shown."""
# The variable with the token that writes notes and issues.
REVIEW_TOKEN = "GITLAB_REVIEW_TOKEN"  # noqa: S105 - the variable's name
NO_REVIEW_TOKEN = (
    f"{REVIEW_TOKEN} is not set; make a project access token with scope api and role Reporter (in GitLab.com's Free"
    " tier a personal one of an account made for this), and store it in a masked variable of that name"
)
REVIEW_TOKEN_REMEDY = f"check that {REVIEW_TOKEN} has scope api and role Reporter or higher, and has not expired"


@contextmanager
def translate_errors(action: str, remedy: str) -> Iterator[None]:
    """Turns what python-gitlab raises inside into an OpsError: what GitLab did not do, why, and the remedy."""
    try:
        yield
    except gitlab.exceptions.GitlabError as error:
        # Of an answer that is no JSON, such as a proxy's page, one line is enough.
        reason = shorten(" ".join(str(error.error_message).split()), REASON_LIMIT)
        raise OpsError(f"GitLab did not {action} ({error.response_code}: {reason}); {remedy}") from error
    except requests.RequestException as error:
        raise OpsError(
            f"GitLab did not {action}: it does not answer ({type(error).__name__}); check its address and the network"
        ) from error


def job_project(environment: Mapping[str, str], *, token: str | None = None) -> Project:
    """The project of the running job, from the variables that GitLab predefines in every job.

    `token` is the user's own; without one the job's own CI_JOB_TOKEN is used, which may read merge requests
    and write no note or issue (GitLab: CI/CD job token). Nothing is asked of GitLab here.
    """
    missing = [name for name in ("CI_SERVER_URL", "CI_PROJECT_ID") if not environment.get(name)]
    if missing:
        raise OpsError(f"{' and '.join(missing)} is not set, which GitLab sets in every job; run this in a job")
    client = gitlab.Gitlab(
        environment["CI_SERVER_URL"],
        oauth_token=token,
        job_token=None if token else environment.get("CI_JOB_TOKEN"),
        timeout=TIMEOUT_SECONDS,
    )
    return client.projects.get(environment["CI_PROJECT_ID"], lazy=True)
