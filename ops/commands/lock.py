"""`python -m ops lock`: is a stack's state locked, is the run that locked it over, and how is it released?"""

import argparse
import json
from datetime import UTC, datetime, timedelta

from ops import cli, pending_operations, state_locks, unfinished_writes
from ops.console import report
from ops.ops_error import OpsError
from ops.stack_name import StackName

HELP = """\
Every run of 'pulumi up', 'refresh' and 'destroy' on a self-managed state (file, S3, GCS, Azure, PostgreSQL) locks the
stack. A run that is killed leaves its lock behind, and every later run is refused. This command shows who made the
lock, and --release removes it once that run is over: on this host if no pulumi of that pid runs, on any other host,
such as a job's container, if the lock is older than a job may run (--job-timeout). Hosts with the same name count as
one. It asks Pulumi to rename the stack to its own name, which Pulumi refuses, locked or not; for that moment it holds
the lock itself.

After a killed 'pulumi up' the state may be outdated: --release lists what was being changed. The next 'pulumi up' then
warns of "pending operations", and may fail on an object that exists already. 'pulumi refresh' looks up what was being
updated or deleted. What was being created may exist or not: look, then either delete it and run
'pulumi refresh --yes --clear-pending-creates', or run 'pulumi refresh' on a terminal and enter its id. 'pulumi up' and
'pulumi refresh --yes' alone do not clear it. A container on a Docker host needs no such look: clear
the pending creates, and the next 'pulumi up' removes what there is of it.

In a folder (file://) a run that is killed as it writes its state may leave an empty file beside it, and every command
ends with "failed to load checkpoint: EOF". The state itself is whole: --release removes that file.

Pulumi Cloud has no such locks: an update there holds a lease that expires by itself.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.description = HELP
    parser.add_argument("--stack", type=StackName.parse, required=True, help="name of the stack")
    parser.add_argument("--release", action="store_true", help="remove the lock, if the run that made it is over")
    parser.add_argument(
        "--job-timeout",
        type=_minutes,
        default=timedelta(minutes=60),
        metavar="MINUTES",
        help="how long a job may run; the run of an older lock of another host is over (default: 60, as in GitLab)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Prints each lock and whether its run is over; 0 if there is none or it was released, 1 if there is one."""
    stack: StackName = arguments.stack
    unfinished = unfinished_writes.find(_require_locks(), datetime.now(UTC))
    for file in unfinished:
        if not arguments.release:
            report(f"a killed run left {file} empty; remove it: python -m ops lock --stack {stack} --release")
            return 1
        file.unlink()
        report(f"removed: {file}, which a killed run left empty")
    locks = state_locks.read(stack)
    if not locks:
        report(f"stack {stack} is not locked")
        return 0
    all_over = True
    for lock in locks:
        over, reason = state_locks.judge(lock, now=datetime.now(UTC), limit=arguments.job_timeout)
        all_over = all_over and over
        report(f"stack {stack} is locked by {lock}: {reason}")
    if not all_over:
        report(
            f"{'not released' if arguments.release else 'cannot be released'}: wait for that run to end. If you know"
            f" that it is over, as its job's page in GitLab shows: pulumi cancel --yes --stack {stack}"
        )
        return 1
    if not arguments.release:
        report(f"every run that locked it is over; release it: python -m ops lock --stack {stack} --release")
        return 1
    _release(stack)
    return 0


def _minutes(text: str) -> timedelta:
    try:
        minutes = timedelta(minutes=float(text))
    except (ValueError, OverflowError) as error:
        raise OpsError(f"{text!r} is not a number of minutes; give --job-timeout a number such as 60") from error
    if minutes < timedelta():
        raise OpsError(f"--job-timeout is {text}; give 0 or more minutes")
    return minutes


def _require_locks() -> str:
    """The address of the state; OpsError if it is in Pulumi Cloud, which has leases in place of locks."""
    whoami = cli.run("pulumi", "whoami", "--json", "--non-interactive")
    if whoami.returncode:
        raise OpsError(f"Pulumi does not say where the state is ({cli.last_line(whoami.stderr)}); run 'pulumi login'")
    url = str(json.loads(whoami.stdout).get("url", ""))
    if url.startswith(("http://", "https://")):
        raise OpsError(
            f"The state is at {url}, which has no locks that can be read here: an update there holds a lease that "
            "expires by itself; see the stack's page, and end an update that hangs with 'pulumi cancel'"
        )
    return url


def _release(stack: StackName) -> None:
    cancelled = cli.run("pulumi", "cancel", "--yes", "--stack", str(stack), "--non-interactive")
    remaining = [] if cancelled.returncode else state_locks.read(stack)
    if cancelled.returncode or remaining:
        why = f"there is another: {remaining[0]}" if remaining else cli.last_line(cancelled.stderr)
        raise OpsError(f"The lock of stack {stack} was not released ({why}); run 'python -m ops lock --stack {stack}'")
    report(f"released: stack {stack} is not locked any more")
    pending = pending_operations.read(stack)
    for urn in (*pending.unknown, *pending.known):
        report(f"interrupted: {urn}")
    if pending.known:
        report(f"look up what became of them: pulumi refresh --stack {stack}")
    others = [urn for urn in pending.unknown if pending_operations.CONTAINER not in urn]
    if others:
        remedy = pending_operations.REMEDY.format(stack=stack)
        report(f"the state does not say whether {len(others)} of them were created: {remedy}")
    if len(others) < len(pending.unknown):
        remedy = pending_operations.CONTAINER_REMEDY.format(stack=stack)
        report(f"a container on the Docker host was being created: {remedy}")
