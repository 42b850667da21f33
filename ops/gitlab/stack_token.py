"""The token with which a stack changes GitLab."""

import os

from ops import cli
from ops.stack_name import StackName


def find(stack: StackName) -> str | None:
    """The token for GitLab's API, as the program takes it."""
    found = cli.run("pulumi", "config", "get", "gitlab-deploy:gitlabToken", "--non-interactive", "--stack", str(stack))
    return found.stdout.strip() or os.environ.get("GITLAB_TOKEN")
