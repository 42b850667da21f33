"""The issue of a stack's drift: one for each stack, opened, edited, closed and opened again by what a run finds."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gitlab.v4.objects import Project

from ops.gitlab.api import REVIEW_TOKEN_REMEDY, told
from ops.preview import markdown as review_note
from ops.preview.markdown import CELL_LIMIT, NAME_LIMIT, code
from ops.preview.plan import Plan
from ops.preview.plan_text import counts

LABEL = "drift"
_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Conflict:
    """A field of a Kubernetes object that somebody else took over, so that `pulumi up` stops at it."""

    manager: str
    """Who has it now, as Kubernetes calls them: kubectl, kubectl-set, an autoscaler."""
    field: str


def describe(plan: Plan, conflicts: Sequence[Conflict], environment: Mapping[str, str]) -> str:
    """The issue's text. Its first line is hidden, and holds a digest of all that is not about this run alone."""
    stack = code(plan.stack, NAME_LIMIT)
    command = code(f"pulumi up --refresh --stack {plan.stack}", NAME_LIMIT * 2)
    blocks = [
        f"What is there is not what stack {stack} declares: {counts(plan)}."
        " On the left is what is there, on the right what the stack declares.",
        *review_note.body(plan),
    ]
    if conflicts:
        held = [f"- {code(item.field, CELL_LIMIT)}, by {code(item.manager, NAME_LIMIT)}" for item in conflicts]
        blocks += [
            ":warning: **Field conflict:** others took these fields over, so that `pulumi up` stops at them, and there"
            " may be more drift behind them:",
            "\n".join(held),
            "**How to go on.** To keep what is there, write it into the stack file. To go back, set the fields to the"
            f" stack's values, and then {command}.",
        ]
    else:
        blocks.append(
            f"**How to go on.** {command} puts back what the stack declares. To keep what is there, write it into the"
            " stack file, and merge that."
        )
    blocks.append("Nothing is repaired by itself. This issue is closed by the first run that finds no drift.")
    text = "\n\n".join(blocks)
    digest = hashlib.sha256(text.encode()).hexdigest()
    return f"{_marker(plan.stack)} {digest} -->\n{text}\n\n{_footer(environment)}\n"


def found(project: Project, stack: str, description: str, environment: Mapping[str, str]) -> str:
    """Has one open issue with this description; says in one line what was done."""
    with told(f"show the issues with the label {LABEL}", REVIEW_TOKEN_REMEDY):
        issue = _find(project, stack)
    with told("write the issue about drift", REVIEW_TOKEN_REMEDY):
        if issue is None:
            fields = {"title": f"Drift of stack {stack}", "description": description, "labels": LABEL}
            return f"issue #{project.issues.create(fields).iid} was opened"
        if issue.state == "opened" and _digest(issue.description) == _digest(description):
            return f"issue #{issue.iid} is as it was"
        issue.description = description
        if issue.state == "opened":
            issue.save()
            return f"issue #{issue.iid} was edited"
        issue.state_event = "reopen"
        issue.save()
        issue.notes.create({"body": f"There is drift again. {_footer(environment)}"})
        return f"issue #{issue.iid} was opened again"


def gone(project: Project, stack: str, environment: Mapping[str, str]) -> str:
    """Closes the stack's issue, where one is open; says in one line what was done."""
    with told(f"show the issues with the label {LABEL}", REVIEW_TOKEN_REMEDY):
        issue = _find(project, stack)
    if issue is None or issue.state != "opened":
        return "no issue is open"
    with told("close the issue about drift", REVIEW_TOKEN_REMEDY):
        issue.notes.create({"body": f"The drift is gone. {_footer(environment)}"})
        issue.state_event = "close"
        issue.save()
    return f"issue #{issue.iid} was closed"


def _marker(stack: str) -> str:
    return f"<!-- gitlab-deploy:drift {stack}"


def _find(project: Project, stack: str) -> Any:  # noqa: ANN401 - python-gitlab's attributes are dynamic
    """The stack's issue: the open one, else the last. The label is one that only members can give."""
    listed = project.issues.list(
        labels=[LABEL], state="all", order_by="created_at", sort="asc", iterator=True, per_page=100
    )
    last = None
    for issue in listed:
        if re.match(rf"{re.escape(_marker(stack))}(?: {_DIGEST.pattern})? -->", issue.description or ""):
            if issue.state == "opened":
                return issue
            last = issue
    return last


def _digest(description: str | None) -> str:
    digest = _DIGEST.search((description or "").partition("\n")[0])
    return digest[0] if digest else ""


def _footer(environment: Mapping[str, str]) -> str:
    project = review_note.url(environment, "CI_PROJECT_URL")
    schedules = f" Run by the [pipeline schedules]({project}/-/pipeline_schedules)." if project else ""
    return f"{review_note.footer(environment)}{schedules}"
