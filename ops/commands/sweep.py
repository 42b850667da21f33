"""`python -m ops sweep`: removes review stacks whose merge request is closed, merged or gone."""

import argparse
import json
import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from components.access import gitlab_check
from ops import cli, pending_operations, state_locks
from ops.console import report
from ops.gitlab.api import job_project, translate_errors
from ops.ops_error import OpsError
from ops.stack_name import StackName

_OVER = ("closed", "merged")
_GONE = "gone"
# As many as one page of GitLab's list holds.
_PAGE = 100
# An error among Pulumi's diagnostics, with the line that continues it.
_ERROR = re.compile(r"^ *error: (.+(?:\n(?! *(?:error|warning): ).+)?)", re.MULTILINE)
HELP = """\
Removes the stacks of this Pulumi project whose merge request is closed, merged or gone: first what they deployed, then
the stacks themselves. Only stacks named exactly PREFIX and the number of a merge request are considered. Run it in a
scheduled job of the project that the merge requests are in, with the variables that a job needs to delete what they
deployed; Pulumi.STACK.yaml may be missing, since the state has what is needed. CI_JOB_TOKEN suffices to read merge
requests from GitLab 18.4 on; before, and outside of a job, GITLAB_TOKEN has to be one of scope read_api, and outside of
a job CI_SERVER_URL and CI_PROJECT_ID are to be set too. Two GitLab projects must not share one state with the same
Pulumi project name, since their review stacks would have the same names. In Pulumi Cloud, stacks of an organization are
found with --prefix ORGANIZATION/PREFIX.
"""


@dataclass(frozen=True, kw_only=True)
class ReviewStack:
    """A review stack and its merge request's number; an `empty` one has no resource in its state."""

    name: StackName
    iid: int
    empty: bool


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.description = HELP
    parser.add_argument(
        "--prefix", type=StackName.parse, default="review-", help="what comes before the number (default: review-)"
    )
    parser.add_argument("--dry-run", action="store_true", help="show what would be removed, and remove nothing")


def run(arguments: argparse.Namespace) -> int:
    """Prints one line for each review stack; 1 if one could not be removed, after the others were."""
    stacks = review_stacks(_list(arguments.prefix), arguments.prefix)
    states = merge_request_states([stack.iid for stack in stacks])
    removed, failed = 0, []
    for stack in stacks:
        state = states.get(stack.iid, _GONE)
        why = f"merge request !{stack.iid} is {state}"
        if state != _GONE and state not in _OVER:
            report(f"kept     {stack.name}: {why}")
        elif arguments.dry_run:
            report(f"would remove {stack.name}: {why}")
        elif problem := _remove(stack):
            report(f"FAILED   {stack.name}: {why}, but {problem}")
            failed.append(str(stack.name))
        else:
            report(f"removed  {stack.name}: {why}")
            removed += 1
    if failed:
        report(f"{len(failed)} not removed: {', '.join(failed)}; do what its line says and run this again")
    elif not arguments.dry_run:
        report(f"{removed} of {len(stacks)} review stacks removed")
    return 1 if failed else 0


def review_stacks(listed: Sequence[Mapping[str, object]], prefix: StackName) -> list[ReviewStack]:
    """The review stacks among those that `pulumi stack ls --json` lists, by number: the prefix and a number, no more.

    A stack of another organization, which is listed as ORGANIZATION/STACK, is none, unless the prefix names it. The
    list for an organization has its stacks with or without its name.
    """
    pattern = re.compile(rf"{re.escape(prefix.short)}([1-9][0-9]*)", re.ASCII)
    owner = prefix.text.rpartition("/")[0]
    stacks = []
    for item in listed:
        listed_owner, _, name = str(item["name"]).rpartition("/")
        number = pattern.fullmatch(name)
        if number and listed_owner in {owner, ""}:
            full = StackName.parse(f"{owner}/{name}" if owner else name)
            stacks.append(ReviewStack(name=full, iid=int(number[1]), empty=not item.get("resourceCount")))
    return sorted(stacks, key=lambda stack: stack.iid)


def _list(prefix: StackName) -> list[Mapping[str, object]]:
    organization, slash, _ = prefix.text.partition("/")
    of_organization = ("--organization", organization) if slash else ()
    stacks = cli.run("pulumi", "stack", "ls", "--json", "--non-interactive", *of_organization)
    if stacks.returncode:
        raise OpsError(f"The stacks cannot be listed ({cli.last_line(stacks.stderr)}); run this in the Pulumi project")
    listed: list[Mapping[str, object]] = json.loads(stacks.stdout)
    return listed


def merge_request_states(iids: Sequence[int]) -> dict[int, str]:
    """The state of each merge request that GitLab knows, by number.

    They are listed, not requested one by one: GitLab answers 404 for each of them also to a caller who may not see the
    project, and nothing may be removed because of that.
    """
    # The user's own first: a job token reads merge requests in newer releases of GitLab alone.
    token = os.environ.get(gitlab_check.TOKEN, gitlab_check.NO_TOKEN)
    project = job_project(os.environ, token=None if token == gitlab_check.NO_TOKEN else token)
    states: dict[int, str] = {}
    for start in range(0, len(iids), _PAGE):
        remedy = (
            "check that this job's user may read the project, and before GitLab 18.4 set GITLAB_TOKEN, of scope "
            "read_api; nothing was removed"
        )
        with translate_errors("list the merge requests", remedy):
            page = project.mergerequests.list(iids=list(iids[start : start + _PAGE]), per_page=_PAGE, get_all=True)
        states |= {request.iid: request.state for request in page}
    return states


def _remove(stack: ReviewStack) -> str | None:
    """Destroys and removes a stack; what prevents it, with the remedy, if it cannot be removed."""
    try:
        pending = pending_operations.read(stack.name)
        if not stack.empty:
            destroyed = _pulumi("destroy", "--yes", "--skip-preview", "--stack", str(stack.name))
            if destroyed.returncode:
                remedy = f"see it with 'pulumi destroy --stack {stack.name}'"
                return failure(stack.name, destroyed.stdout, destroyed.stderr, remedy)
        if pending.unknown:
            remedy = f"delete those that exist, then run 'pulumi stack rm --yes {stack.name}'"
            return f"a killed run was creating what its state does not hold: {', '.join(pending.unknown)}; {remedy}"
        removed = _pulumi("stack", "rm", "--yes", "--stack", str(stack.name))
        if removed.returncode:
            remedy = f"see it with 'pulumi stack rm {stack.name}'"
            return failure(stack.name, removed.stdout, removed.stderr, remedy)
    except OpsError as error:
        return str(error)
    return None


def _pulumi(*arguments: str) -> subprocess.CompletedProcess[str]:
    return cli.run("pulumi", *arguments, "--non-interactive", timeout=None)


def failure(stack: StackName, stdout: str, stderr: str, remedy: str) -> str:
    """Why a run of Pulumi on a stack failed: who locks it, or the first error of a resource, with what to do."""
    if locks := state_locks.parse(stderr):
        return f"it is locked by {locks[0]}; run 'python -m ops lock --stack {stack}'"
    # Of the errors, each on lines of its own, that of the run as a whole says nothing.
    errors = [" ".join(text.split()) for text in _ERROR.findall(f"{stdout}\n\n{stderr}")]
    causes = [text for text in errors if text not in ("update failed", "destroy failed")]
    return f"{(causes or errors or [cli.last_line(stderr)])[0]}; {remedy}"
