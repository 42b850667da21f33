"""`python -m ops drift`: is what runs still what the stacks declare? Nothing is repaired.

Drift is what `pulumi up --refresh` would put back. What a stack does not declare, such as a label that somebody added
to its Deployment, is not drift: the stack neither sees nor changes it.
"""

import argparse
import os
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace

from gitlab.v4.objects import Project

from ops import cli as tools
from ops.gitlab import api as gitlab_api
from ops.gitlab import drift_issue
from ops.gitlab.drift_issue import Conflict
from ops.ops_error import OpsError
from ops.preview import plan, plan_text
from ops.preview.plan import Plan
from ops.preview.redaction import Redactor

# A refresh asks for every object; a server that does not answer is waited for by each of the providers.
TIMEOUT_SECONDS = 1800
# Kubernetes, apimachinery/pkg/util/managedfields: `conflict with "kubectl" using apps/v1: .spec.replicas`
_CONFLICT = re.compile(r'conflicts? with "([^"]+)"[^:\n]*:((?:\s+(?:- )?\.\S+)+)')


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("stacks", nargs="+", metavar="STACK", help="a stack to look at")


def run(arguments: argparse.Namespace) -> int:
    """Prints what drifted and keeps one issue for each stack; 1 where there is drift or where it cannot be told."""
    redactor, token = Redactor(os.environ), os.environ.get(gitlab_api.REVIEW_TOKEN)
    project = gitlab_api.job_project(os.environ, token=token) if token else None
    good = True
    for stack in dict.fromkeys(arguments.stacks):
        item = preview(stack, redactor)
        conflicts = tuple(_conflicts(item))
        unknown = item.failed and not conflicts
        good = good and not unknown and not item.changes and not conflicts
        heading = "it cannot be told whether there is drift" if unknown else _verdict(item, conflicts)
        print("\n".join((f"{stack}: {heading}", *plan_text.below(item))), flush=True)
        if project and not unknown:
            good = _issue(project, item, conflicts, os.environ) and good
    if project is None:
        print(f"no issue was written: {gitlab_api.NO_REVIEW_TOKEN}", flush=True)
    return 0 if good else 1


def preview(stack: str, redactor: Redactor) -> Plan:
    """What `pulumi up --refresh` would do; a failed plan where the engine cannot tell."""
    command = ("pulumi", "preview", "--refresh", "--json", "--non-interactive", "--stack", stack)
    try:
        done = tools.run(*command, timeout=TIMEOUT_SECONDS)
    except OpsError as error:
        return Plan(stack, failure=str(error))
    found = plan.read(stack, f"{done.stdout}\n{done.stderr}", redactor)
    if done.returncode and not found.failed:
        return replace(found, failure=f"pulumi preview ended with status {done.returncode}")
    return found


def _verdict(item: Plan, conflicts: tuple[Conflict, ...]) -> str:
    if not item.changes and not conflicts:
        return "no drift"
    taken = f"; others hold {', '.join(f'{one.field} ({one.manager})' for one in conflicts)}" if conflicts else ""
    return f"drift: {plan_text.counts(item)}{taken}"


def _conflicts(item: Plan) -> Iterator[Conflict]:
    """The fields that others hold, where that is all that the preview failed of; else none."""
    errors = [said.message for said in item.said if said.severity == "error"]
    if item.failure or not all(_CONFLICT.search(message) for message in errors):
        return
    for message in errors:
        for found in _CONFLICT.finditer(message):
            yield from (Conflict(found[1], field) for field in re.findall(r"\.\S+", found[2]))


def _issue(project: Project, item: Plan, conflicts: tuple[Conflict, ...], environment: Mapping[str, str]) -> bool:
    """Keeps the stack's issue; False where GitLab did not let it."""
    try:
        if item.changes or conflicts:
            description = drift_issue.describe(item, conflicts, environment)
            done = drift_issue.found(project, item.stack, description, environment)
        else:
            done = drift_issue.gone(project, item.stack, environment)
    except OpsError as error:
        print(f"error: {error}", file=sys.stderr)
        return False
    print(f"  {done}", flush=True)
    return True
