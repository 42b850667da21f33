"""`python -m ops drift`: does what runs still match the stacks? Nothing is repaired.

Drift is what `pulumi up --refresh` would undo. What a stack does not declare, such as a label that was added to its
Deployment by hand, is no drift: the stack neither sees nor changes it.
"""

import argparse
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from gitlab.v4.objects import Project

from ops import cli, job_secrets
from ops.console import report, report_error
from ops.gitlab import api as gitlab_api
from ops.gitlab import drift_issue
from ops.gitlab.drift_issue import Conflict
from ops.ops_error import OpsError
from ops.preview import plan, plan_text
from ops.preview.plan import Plan
from ops.preview.redaction import Redactor
from ops.stack_name import StackName

# A refresh reads every object, and each provider waits for a server that does not answer.
TIMEOUT_SECONDS = 1800
# Kubernetes, apimachinery/pkg/util/managedfields: `conflict with "kubectl" using apps/v1: .spec.replicas`
_CONFLICT = re.compile(r'conflicts? with "([^"]+)"[^:\n]*:((?:\s+(?:- )?\.\S+)+)')


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("stacks", nargs="+", type=StackName.parse, metavar="STACK", help="a stack to check")


def run(arguments: argparse.Namespace) -> int:
    """Prints what drifted and keeps one issue for each stack; 1 if there is drift or if it is not known."""
    redactor, token = Redactor(job_secrets.read(os.environ)), os.environ.get(gitlab_api.REVIEW_TOKEN)
    project = gitlab_api.job_project(os.environ, token=token) if token else None
    good = True
    for stack in dict.fromkeys(arguments.stacks):
        preview = _preview(stack, redactor)
        conflicts = tuple(_conflicts(preview))
        unknown = preview.failed and not conflicts
        good = good and not unknown and not preview.changes and not conflicts
        heading = "it is not known whether there is drift" if unknown else _verdict(preview, conflicts)
        report("\n".join((f"{stack}: {heading}", *plan_text.details(preview))))
        if project and not unknown:
            good = _keep_issue(project, preview, conflicts, os.environ) and good
    if project is None:
        report(f"no issue was written: {gitlab_api.NO_REVIEW_TOKEN}")
    return 0 if good else 1


def _preview(stack: StackName, redactor: Redactor) -> Plan:
    """What `pulumi up --refresh` would do; a failed plan if the engine cannot say."""
    command = ("pulumi", "preview", "--refresh", "--json", "--non-interactive", "--stack", str(stack))
    try:
        ended = cli.run(*command, timeout=TIMEOUT_SECONDS)
    except OpsError as error:
        return Plan(str(stack), failure=str(error))
    preview = plan.read(str(stack), f"{ended.stdout}\n{ended.stderr}", redactor)
    if ended.returncode and not preview.failed:
        return replace(preview, failure=f"pulumi preview ended with status {ended.returncode}")
    return preview


def _verdict(preview: Plan, conflicts: tuple[Conflict, ...]) -> str:
    if not preview.changes and not conflicts:
        return "no drift"
    fields = ", ".join(f"{conflict.field} ({conflict.manager})" for conflict in conflicts)
    return f"drift: {plan_text.counts(preview)}{f'; others manage {fields}' if conflicts else ''}"


def _conflicts(preview: Plan) -> Iterator[Conflict]:
    """The fields that others manage, if the preview failed because of nothing else; else none."""
    errors = [item.message for item in preview.diagnostics if item.severity == "error"]
    if preview.failure or not all(_CONFLICT.search(message) for message in errors):
        return
    for message in errors:
        for conflict in _CONFLICT.finditer(message):
            yield from (Conflict(conflict[1], field) for field in re.findall(r"\.\S+", conflict[2]))


def _keep_issue(
    project: Project, preview: Plan, conflicts: tuple[Conflict, ...], environment: Mapping[str, str]
) -> bool:
    """Opens, edits or closes the stack's issue; False if GitLab did not allow it."""
    try:
        if preview.changes or conflicts:
            description = drift_issue.describe(preview, conflicts, environment)
            outcome = drift_issue.open_or_edit(project, preview.stack, description, environment)
        else:
            outcome = drift_issue.close(project, preview.stack, environment)
    except OpsError as error:
        report_error(str(error))
        return False
    report(f"  {outcome}")
    return True
