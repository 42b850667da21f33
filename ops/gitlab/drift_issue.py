"""The issue about a stack's drift: one for each stack, opened, edited, closed and reopened by what a run finds."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gitlab.v4.objects import Project

from ops.gitlab.api import REVIEW_TOKEN_REMEDY, translate_errors
from ops.preview import markdown
from ops.preview.markdown import CELL_LIMIT, NAME_LIMIT, code
from ops.preview.plan import Plan
from ops.preview.plan_text import counts

LABEL = "drift"
_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Conflict:
    """A field of a Kubernetes object that another field manager owns, so that `pulumi up` fails at it."""

    manager: str
    """The field manager, as Kubernetes calls it: kubectl, kubectl-set, an autoscaler."""
    field: str


def describe(plan: Plan, conflicts: Sequence[Conflict], environment: Mapping[str, str]) -> str:
    """The issue's text. Its first line is hidden, and holds a digest of everything that is not about this run alone."""
    stack = code(plan.stack, NAME_LIMIT)
    command = code(f"pulumi up --refresh --stack {plan.stack}", NAME_LIMIT * 2)
    blocks = [
        f"What is deployed differs from what stack {stack} declares: {counts(plan)}."
        " On the left is what is deployed, on the right what the stack declares.",
        *markdown.body(plan),
    ]
    if conflicts:
        fields = [f"- {code(item.field, CELL_LIMIT)}, by {code(item.manager, NAME_LIMIT)}" for item in conflicts]
        blocks += [
            ":warning: **Field conflict:** others manage these fields, so that `pulumi up` fails at them, and there may"
            " be more drift behind them:",
            "\n".join(fields),
            "**How to resolve it.** To keep the deployed values, write them into the stack file. To undo them, set the"
            f" fields to the stack's values, and then run {command}.",
        ]
    else:
        blocks.append(
            f"**How to resolve it.** {command} restores what the stack declares. To keep what is deployed, write it"
            " into the stack file, and merge that."
        )
    blocks.append("Nothing is repaired automatically. The first run that finds no drift closes this issue.")
    text = "\n\n".join(blocks)
    digest = hashlib.sha256(text.encode()).hexdigest()
    return f"{_marker(plan.stack)} {digest} -->\n{text}\n\n{_footer(environment)}\n"


def open_or_edit(project: Project, stack: str, description: str, environment: Mapping[str, str]) -> str:
    """Makes sure that one issue with this description is open; says in one line what was done."""
    with translate_errors(f"show the issues with the label {LABEL}", REVIEW_TOKEN_REMEDY):
        issue = _find(project, stack)
    with translate_errors("write the issue about drift", REVIEW_TOKEN_REMEDY):
        if issue is None:
            fields = {"title": f"Drift of stack {stack}", "description": description, "labels": LABEL}
            return f"issue #{project.issues.create(fields).iid} was opened"
        if issue.state == "opened" and _digest(issue.description) == _digest(description):
            return f"issue #{issue.iid} is unchanged"
        issue.description = description
        if issue.state == "opened":
            issue.save()
            return f"issue #{issue.iid} was edited"
        issue.state_event = "reopen"
        issue.save()
        issue.notes.create({"body": f"There is drift again. {_footer(environment)}"})
        return f"issue #{issue.iid} was reopened"


def close(project: Project, stack: str, environment: Mapping[str, str]) -> str:
    """Closes the stack's issue, if one is open; says in one line what was done."""
    with translate_errors(f"show the issues with the label {LABEL}", REVIEW_TOKEN_REMEDY):
        issue = _find(project, stack)
    if issue is None or issue.state != "opened":
        return "no issue is open"
    with translate_errors("close the issue about drift", REVIEW_TOKEN_REMEDY):
        issue.notes.create({"body": f"There is no drift any more. {_footer(environment)}"})
        issue.state_event = "close"
        issue.save()
    return f"issue #{issue.iid} was closed"


def _marker(stack: str) -> str:
    return f"<!-- gitlab-deploy:drift {stack}"


def _find(project: Project, stack: str) -> Any:  # noqa: ANN401 - python-gitlab's attributes are dynamic
    """The stack's issue: the open one, else the last. Only members of the project can set the label."""
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
    project = markdown.url(environment, "CI_PROJECT_URL")
    schedules = f" Run by the [pipeline schedules]({project}/-/pipeline_schedules)." if project else ""
    return f"{markdown.footer(environment)}{schedules}"
