"""`python -m ops review`: what a merge request shows of its stacks' previews."""

import argparse
import json
import os
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from ops.gitlab import api as gitlab_api
from ops.gitlab import merge_request
from ops.ops_error import OpsError
from ops.preview import findings, plan, plan_text
from ops.preview import markdown as review_note
from ops.preview.plan import Plan
from ops.preview.redaction import Redactor

# Pulumi's own rule for the parts of a stack's name.
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,100}(/[A-Za-z0-9_.-]{1,100}){0,2}")
# Two dots after a file's name; those of a path, as in ../plan.json, follow nothing or a slash.
_BETWEEN = re.compile(r"(?<=[^/.])\.\.")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument(
        "plans",
        nargs="+",
        metavar="NAME=PLAN.json",
        help="a stack and what `pulumi preview --json` printed for it; NAME=BASE.json..BRANCH.json compares two"
        " previews against an empty state, of the target branch and of this one",
    )
    parser.add_argument("--terraform-report", type=Path, metavar="FILE", help="where artifacts:reports:terraform goes")
    parser.add_argument("--code-quality", type=Path, metavar="FILE", help="where artifacts:reports:codequality goes")


def run(arguments: argparse.Namespace) -> int:
    """Prints every plan and writes the reports and notes; 1 where a preview failed or a note could not be written."""
    redactor = Redactor(os.environ)
    plans = _read(arguments.plans, redactor)
    for item in plans:
        print("\n".join(plan_text.lines(item)), flush=True)
    if arguments.terraform_report:
        _write(arguments.terraform_report, json.dumps(terraform(plans)))
    if arguments.code_quality:
        found = [entry for item in plans for entry in findings.of(item, Path.cwd(), os.environ)]
        _write(arguments.code_quality, json.dumps(found, indent=1))
    try:
        print(_notes(plans, os.environ), flush=True)
    except OpsError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 1 if any(item.failed for item in plans) else 0


def terraform(plans: Sequence[Plan]) -> dict[str, int] | dict[str, str]:
    """The report that GitLab's widget sums up in one row per job: a replace is one deleted and one created.

    With a preview that failed the numbers are not known. GitLab shows a report without them as one that could not be
    generated, which is true; zeros would not be.
    """
    failed = [item.stack for item in plans if item.failed]
    if failed:
        return {"error": f"the preview of {', '.join(failed)} failed"}
    replaced = sum(item.count("replace") for item in plans)
    return {
        "create": replaced + sum(item.count("create") for item in plans),
        "update": sum(item.count("update") for item in plans),
        "delete": replaced + sum(item.count("delete") for item in plans),
    }


def _notes(plans: Sequence[Plan], environment: Mapping[str, str]) -> str:
    """Writes a note for each plan; says in one line what was done."""
    token, iid = environment.get(gitlab_api.REVIEW_TOKEN), environment.get("CI_MERGE_REQUEST_IID")
    if not token:
        return f"no note was written: {gitlab_api.NO_REVIEW_TOKEN}"
    if not iid:
        return "no note was written: this is not the pipeline of a merge request"
    notes = {review_note.marker(item.stack): review_note.render(item, environment) for item in plans}
    done = merge_request.publish(gitlab_api.job_project(environment, token=token), iid, notes)
    return f"notes on merge request !{iid}: " + ", ".join(
        f"{item.stack} {what}" for item, what in zip(plans, done, strict=True)
    )


def _read(arguments: Sequence[str], redactor: Redactor) -> list[Plan]:
    plans: dict[str, Plan] = {}
    for argument in arguments:
        stack, separator, files = argument.partition("=")
        if not separator or not files or not _NAME.fullmatch(stack):
            raise OpsError(f"{argument!r} is not NAME=PLAN.json; name the stack and the file with its preview")
        if stack in plans:
            raise OpsError(f"stack {stack} is given twice; each has one note")
        first, *second = [_text(file) for file in _BETWEEN.split(files, maxsplit=1)]
        if second:
            plans[stack] = plan.between(first, second[0], stack, redactor)
        else:
            plans[stack] = plan.read(stack, first, redactor)
    return list(plans.values())


def _text(file: str) -> str | None:
    """What a plan file holds; None where there is none, as after a preview that failed."""
    try:
        return Path(file).read_text(errors="replace")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise OpsError(f"{file} cannot be read ({error.strerror}); give the file with the preview") from error


def _write(file: Path, text: str) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{text}\n")
    except OSError as error:
        raise OpsError(f"{file} cannot be written ({error.strerror}); name another file") from error
