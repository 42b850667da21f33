"""What a bare error of the gitlab provider means for this stack: one sentence for the cause, one for the fix."""

import re
from collections.abc import Mapping
from typing import Any

import pulumi

_LOST = r"\bEOF\b|context deadline exceeded|connection reset|Client\.Timeout"
_MEANINGS = (
    # operations, what the provider says, what it means
    (
        "create",
        "has already been taken",
        "{What} of {project} exists already, made by hand or by a run that lost GitLab's answer, and was not touched. "
        "Delete it in {settings}, or choose another scope (access.environment), and run this again.",
    ),
    (
        "create",
        _LOST,
        "GitLab's answer was lost, so {what} may exist without this stack knowing it. If it is in {settings}, delete "
        "it there, and run this again.",
    ),
    (
        "delete",
        "404 Not Found",
        "{What} of {project} is gone already, and the stack does not know it. Run 'pulumi up --refresh', or 'pulumi "
        "refresh' before 'pulumi destroy'.",
    ),
    (
        "create update",
        "404 Not Found",
        "GitLab has no project {project}, or does not show it to this token. Check gitlab-deploy:gitlabProject, and "
        "that the token's user is a member.",
    ),
    (
        "create update delete",
        ": 403 ",
        "The GitLab token may not {operation} {what} of {project}. It takes the scope api, and a user with the role "
        "Maintainer there.",
    ),
    (
        "create update delete",
        ": 401 ",
        "GitLab refused the token, so {what} of {project} is as it was. Run this with a valid token of scope api in "
        "GITLAB_TOKEN; 'none', which deploy jobs set, can change nothing in GitLab.",
    ),
    (
        "create update",
        "Invalid value for a masked variable",
        "GitLab cannot mask the value of {what}. It takes one line of 8 or more characters with no white space.",
    ),
)


def explanation(operation: str, inputs: Mapping[str, Any], error: str) -> str | None:
    """What to say below the provider's own words; None if those say it.

    `operation` is create, update or delete; `inputs` are those of the variable or deploy token.
    """
    project = inputs.get("project")
    if "key" in inputs:
        what, page = f"variable {inputs['key']} (scope {inputs.get('environmentScope', '*')})", "CI/CD > Variables"
    else:
        what, page = f"deploy token {inputs.get('name')}", "Repository > Deploy tokens"
    for operations, words, meaning in _MEANINGS:
        if operation in operations.split() and re.search(words, error):
            return meaning.format(
                What=f"The {what}",
                what=f"the {what}",
                project=project,
                settings=f"Settings > {page} of {project}",
                operation=operation,
            )
    return None


def hook() -> pulumi.ErrorHook:
    """The hook of every resource in GitLab, registered by each run, even one that declares none of them any more.

    A resource that a program no longer declares is deleted with the hook that the state names.
    """

    def explain(failed: pulumi.ErrorHookArgs) -> bool:
        """Logs what the newest error means; there is no retry."""
        inputs = failed.new_inputs or failed.old_inputs or {}
        if text := explanation(failed.failed_operation, inputs, failed.errors[0]):
            pulumi.log.error(text)
        return False

    return pulumi.ErrorHook("gitlab-error-explained", explain)
