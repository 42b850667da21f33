"""`python -m ops sweep`: no review stack outlives its merge request."""

import argparse
import json
import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ops import cli as tools
from ops.commands import lock, pending
from ops.gitlab.api import job_project, told
from ops.ops_error import OpsError

OVER = ("closed", "merged")
GONE = "gone"
# As many as one page of GitLab's list holds.
PAGE = 100
# An error among Pulumi's diagnostics, with the line that goes on with it.
ERROR = re.compile(r"^ *error: (.+(?:\n(?! *(?:error|warning): ).+)?)", re.MULTILINE)
HELP = """\
Removes the stacks of this Pulumi project whose merge request is closed, merged or gone: what they deployed, and then
the stacks themselves. Only a stack named exactly PREFIX and the number of a merge request is looked at. Run it in a job
on a schedule, of the project the merge requests are in, with the variables a job needs to delete what they deployed;
Pulumi.STACK.yaml may be missing, the state holds what is needed. CI_JOB_TOKEN is enough to read merge requests;
outside of a job, set CI_SERVER_URL, CI_PROJECT_ID and GITLAB_TOKEN. Two GitLab projects must not share one state with
the same Pulumi project name: their review stacks would have the same names.
"""


@dataclass(frozen=True, kw_only=True)
class Stack:
    """A review stack and its merge request's number; an `empty` one has no resource in its state."""

    name: str
    iid: int
    empty: bool


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.description = HELP
    parser.add_argument("--prefix", default="review-", help="what comes before the number (default: review-)")
    parser.add_argument("--dry-run", action="store_true", help="say what would be removed, and remove nothing")


def run(arguments: argparse.Namespace) -> int:
    """Prints one line for each review stack; 1 where one could not be removed, once the others are."""
    stacks = review_stacks(_listed(), arguments.prefix)
    states = _states([stack.iid for stack in stacks])
    removed, failed = 0, []
    for stack in stacks:
        state = states.get(stack.iid, GONE)
        why = f"merge request !{stack.iid} is {state}"
        if state != GONE and state not in OVER:
            print(f"kept     {stack.name}: {why}", flush=True)
        elif arguments.dry_run:
            print(f"would remove {stack.name}: {why}", flush=True)
        elif problem := _remove(stack):
            print(f"FAILED   {stack.name}: {why}, but {problem}", flush=True)
            failed.append(stack.name)
        else:
            print(f"removed  {stack.name}: {why}", flush=True)
            removed += 1
    if failed:
        print(f"{len(failed)} not removed: {', '.join(failed)}; do what its line says and run this again", flush=True)
    elif not arguments.dry_run:
        print(f"{removed} of {len(stacks)} review stacks removed", flush=True)
    return 1 if failed else 0


def review_stacks(listed: Sequence[Mapping[str, object]], prefix: str) -> list[Stack]:
    """The review stacks among those `pulumi stack ls --json` lists, by number: the prefix, then a number, no more."""
    pattern = re.compile(rf"{re.escape(prefix)}([1-9][0-9]*)")
    found = [(item, pattern.fullmatch(str(item["name"]))) for item in listed]
    stacks = [
        Stack(name=match[0], iid=int(match[1]), empty=not item.get("resourceCount")) for item, match in found if match
    ]
    return sorted(stacks, key=lambda stack: stack.iid)


def _listed() -> list[Mapping[str, object]]:
    found = tools.run("pulumi", "stack", "ls", "--json", "--non-interactive")
    if found.returncode:
        raise OpsError(f"The stacks cannot be listed ({tools.last_line(found.stderr)}); run this in the Pulumi project")
    listed: list[Mapping[str, object]] = json.loads(found.stdout)
    return listed


def _states(iids: Sequence[int]) -> dict[int, str]:
    """The state of each merge request that GitLab knows, by number.

    They are listed, not asked for one by one: to a caller who may not see the project each of them is a 404 too, and
    nothing may be removed for that.
    """
    token = None if os.environ.get("CI_JOB_TOKEN") else os.environ.get("GITLAB_TOKEN")
    project = job_project(os.environ, token=token)
    states: dict[int, str] = {}
    for start in range(0, len(iids), PAGE):
        with told("list the merge requests", "see that this job's user may read the project; nothing was removed"):
            page = project.mergerequests.list(iids=list(iids[start : start + PAGE]), per_page=PAGE, get_all=True)
        states |= {found.iid: found.state for found in page}
    return states


def _remove(stack: Stack) -> str | None:
    """Destroys and removes a stack; what is in the way, with the remedy, where it cannot be removed."""
    try:
        begun = pending.read(stack.name)
        if not stack.empty:
            destroyed = _pulumi("destroy", "--yes", "--skip-preview", "--stack", stack.name)
            if destroyed.returncode:
                remedy = f"see it with 'pulumi destroy --stack {stack.name}'"
                return failure(stack.name, destroyed.stdout, destroyed.stderr, remedy)
        if begun.unknown:
            remedy = f"delete those that exist, then run 'pulumi stack rm --yes {stack.name}'"
            return f"a killed run was creating what its state does not hold: {', '.join(begun.unknown)}; {remedy}"
        gone = _pulumi("stack", "rm", "--yes", stack.name)
        if gone.returncode:
            return failure(stack.name, gone.stdout, gone.stderr, f"see it with 'pulumi stack rm {stack.name}'")
    except OpsError as error:
        return str(error)
    return None


def _pulumi(*arguments: str) -> subprocess.CompletedProcess[str]:
    return tools.run("pulumi", *arguments, "--non-interactive", timeout=None)


def failure(stack: str, stdout: str, stderr: str, remedy: str) -> str:
    """Why a run of Pulumi on a stack failed: who locks it, or the first error of a resource, with what to do."""
    if locks := lock.parse(stderr):
        return f"it is locked by {locks[0]}; run 'python -m ops lock --stack {stack}'"
    # Of the errors, each on lines of its own, that of the run as a whole says nothing.
    found = [" ".join(text.split()) for text in ERROR.findall(f"{stdout}\n\n{stderr}")]
    told = [text for text in found if text not in ("update failed", "destroy failed")]
    return f"{(told or found or [tools.last_line(stderr)])[0]}; {remedy}"
