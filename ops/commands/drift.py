"""`python -m ops drift`: does what runs still match the stacks? Nothing is repaired.

Drift is what `pulumi up --refresh` would undo. What a stack does not declare, such as a label that was added to its
Deployment by hand, is no drift: the stack neither sees nor changes it.
"""

import argparse
import os
from collections.abc import Mapping

from gitlab.v4.objects import Project

from ops import drift, job_secrets
from ops.console import report, report_error
from ops.drift import Drift
from ops.gitlab import api as gitlab_api
from ops.gitlab import drift_issue
from ops.ops_error import OpsError
from ops.preview import plan_text
from ops.preview.redaction import Redactor
from ops.stack_name import StackName


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("stacks", nargs="+", type=StackName.parse, metavar="STACK", help="a stack to check")


def run(arguments: argparse.Namespace) -> int:
    """Prints what drifted and keeps one issue for each stack; 1 if there is drift or if it is not known."""
    redactor, token = Redactor(job_secrets.read(os.environ)), os.environ.get(gitlab_api.REVIEW_TOKEN)
    project = gitlab_api.job_project(os.environ, token=token) if token else None
    good = True
    for stack in dict.fromkeys(arguments.stacks):
        found = drift.look(stack, redactor)
        good = good and found.is_known and not found.is_there
        report("\n".join((f"{stack}: {found.verdict}", *plan_text.details(found.plan))))
        if project and found.is_known:
            good = _keep_issue(project, found, os.environ) and good
    if project is None:
        report(f"no issue was written: {gitlab_api.NO_REVIEW_TOKEN}")
    return 0 if good else 1


def _keep_issue(project: Project, found: Drift, environment: Mapping[str, str]) -> bool:
    """Opens, edits or closes the stack's issue; False if GitLab did not allow it."""
    preview = found.plan
    try:
        if found.is_there:
            description = drift_issue.describe(preview, found.conflicts, environment)
            outcome = drift_issue.open_or_edit(project, preview.stack, description, environment)
        else:
            outcome = drift_issue.close(project, preview.stack, environment)
    except OpsError as error:
        report_error(str(error))
        return False
    report(f"  {outcome}")
    return True
