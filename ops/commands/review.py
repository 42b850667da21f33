"""`python -m ops review`: shows the previews of stacks, in the job log and in the reports of a merge request."""

import argparse
import json
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from ops import job_secrets
from ops.console import report
from ops.ops_error import OpsError
from ops.preview import findings, plan, plan_data, plan_text
from ops.preview.plan import Plan
from ops.preview.redaction import Redactor
from ops.stack_name import StackName

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
    parser.add_argument("--terraform-report", type=Path, metavar="FILE", help="for artifacts:reports:terraform")
    parser.add_argument("--code-quality", type=Path, metavar="FILE", help="for artifacts:reports:codequality")
    parser.add_argument("--plans", dest="plans_file", type=Path, metavar="FILE", help="for `note`, in a later job")


def run(arguments: argparse.Namespace) -> int:
    """Prints every plan and writes the reports; 1 if a preview failed."""
    plans = _read(arguments.plans, Redactor(job_secrets.read(os.environ)))
    for item in plans.values():
        report("\n".join(plan_text.lines(item)))
    if arguments.terraform_report:
        _write(arguments.terraform_report, json.dumps(terraform(list(plans.values()))))
    if arguments.code_quality:
        found = [entry for stack, item in plans.items() for entry in _findings(stack, item, os.environ)]
        _write(arguments.code_quality, json.dumps(found, indent=1))
    if arguments.plans_file:
        _write(arguments.plans_file, plan_data.dump(list(plans.values())))
    return 1 if any(item.failed for item in plans.values()) else 0


def terraform(plans: Sequence[Plan]) -> dict[str, int] | dict[str, str]:
    """The report that GitLab's widget sums up in one row per job: a replacement is one deleted and one created.

    After a preview that failed the numbers are not known. GitLab shows a report without them as one that could not be
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


def _findings(stack: StackName, item: Plan, environment: Mapping[str, str]) -> list[findings.Finding]:
    """The findings of one plan, at lines of its stack file, by the file's path in the repository."""
    file = Path.cwd() / stack.file
    try:
        path = file.resolve().relative_to(Path(environment["CI_PROJECT_DIR"]).resolve())
    except (KeyError, ValueError):
        path = Path(stack.file)
    try:
        text = file.read_text()
    except (OSError, UnicodeDecodeError):
        text = ""
    return findings.collect(item, path.as_posix(), text)


def _read(arguments: Sequence[str], redactor: Redactor) -> dict[StackName, Plan]:
    plans: dict[StackName, Plan] = {}
    for argument in arguments:
        name, separator, files = argument.partition("=")
        if not name or not separator or not files:
            raise OpsError(f"{argument!r} is not NAME=PLAN.json; name the stack and the file with its preview")
        stack = StackName.parse(name)
        if stack in plans:
            raise OpsError(f"stack {stack} is given twice; each has one note")
        first, *second = [_plan_file(file) for file in _BETWEEN.split(files, maxsplit=1)]
        if second:
            plans[stack] = plan.between(first, second[0], name, redactor)
        else:
            plans[stack] = plan.read(name, first, redactor)
    return plans


def _plan_file(file: str) -> str | None:
    """The content of a plan file; None if it does not exist, as after a preview that failed."""
    try:
        return Path(file).read_text(errors="replace")
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise OpsError(f"{file!r} cannot be read ({reason}); give the file with the preview") from error


def _write(file: Path, text: str) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{text}\n")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise OpsError(f"{str(file)!r} cannot be written ({reason}); name another file") from error
