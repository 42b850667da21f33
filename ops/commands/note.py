"""`python -m ops note`: writes the notes of a merge request, from plans that another job left as data."""

import argparse
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from ops import job_secrets
from ops.console import report, report_error
from ops.gitlab import api as gitlab_api
from ops.gitlab import merge_request
from ops.ops_error import OpsError
from ops.preview import markdown, plan_data, plan_text
from ops.preview.plan import Plan
from ops.preview.redaction import Redactor
from ops.stack_name import StackName

LARGEST_FILE = 16 * 2**20
"""Bytes of a file of plans; a stack of a thousand resources has one of them."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("plans", type=Path, metavar="PLANS", help="what `review --plans` has written")
    parser.add_argument("stacks", nargs="+", type=StackName.parse, metavar="STACK", help="a stack that gets a note")


def run(arguments: argparse.Namespace) -> int:
    """Prints the plans and writes a note for each stack; 1 if one could not be written."""
    found = {item.stack: item for item in _read(arguments.plans)}
    missing = "the job of the preview left no plan of it"
    plans = [found.get(str(stack), Plan(str(stack), failure=missing)) for stack in arguments.stacks]
    for item in plans:
        report("\n".join(plan_text.lines(item)))
    try:
        report(_publish(plans, os.environ))
    except OpsError as error:
        report_error(str(error))
        return 1
    return 0


def _read(file: Path) -> list[Plan]:
    """The plans; none if there is no file, as after a job that was cancelled."""
    try:
        if file.stat().st_size > LARGEST_FILE:
            raise OpsError(f"{str(file)!r} is larger than {LARGEST_FILE >> 20} MiB, which no preview writes")
        return plan_data.load(file.read_text(), Redactor(job_secrets.read(os.environ)))
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError, plan_data.NoPlansError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise OpsError(f"{str(file)!r} holds no plans ({reason}); give the file that `review --plans` wrote") from error


def _publish(plans: Sequence[Plan], environment: Mapping[str, str]) -> str:
    """Writes a note for each plan; says in one line what was done."""
    token, iid = environment.get(gitlab_api.REVIEW_TOKEN), environment.get("CI_MERGE_REQUEST_IID")
    if not token:
        return f"no note was written: {gitlab_api.NO_REVIEW_TOKEN}"
    if not iid:
        return "no note was written: this is not the pipeline of a merge request"
    notes = {markdown.marker(item.stack): markdown.render(item, environment) for item in plans}
    outcomes = merge_request.publish(gitlab_api.job_project(environment, token=token), iid, notes)
    return f"notes on merge request !{iid}: " + ", ".join(
        f"{item.stack} {outcome}" for item, outcome in zip(plans, outcomes, strict=True)
    )
