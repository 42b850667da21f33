"""`python -m ops status`: what runs where, since when and by whom, and is it well, of every stack of the project."""

import argparse
import json
import os
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from ops import cli, site, state_locks
from ops.checks.check import Check
from ops.commands import verify
from ops.console import report
from ops.ops_error import OpsError
from ops.stack_name import StackName
from ops.stack_status import Credential, StackStatus

HELP = """\
Shows every stack of the project, or those that are named: the image and who deployed it, where it is, whether it serves
(as 'ops verify --job' sees it, with your own kubeconfig and ssh), the credentials that the stack has made with their
age and day of expiry, and the lock of its state. Nothing is changed. It fails if a check does.
"""
SOON = timedelta(days=30)
"""A credential that expires earlier than this is a failed check."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.description = HELP
    parser.add_argument("--stack", type=StackName.parse, action="append", help="name of a stack (default: all)")
    parser.add_argument("--json", action="store_true", help="print JSON in place of text")
    parser.add_argument("--offline", action="store_true", help="read the states alone: ask no cluster, host or site")


def run(arguments: argparse.Namespace) -> int:
    """Prints each stack; 1 if a check failed."""
    stacks = arguments.stack or _all()
    if not stacks:
        raise OpsError("This project has no stack; 'pulumi stack init NAME' makes one")
    now, documents, failed = datetime.now(UTC), [], False
    for stack in stacks:
        status = _read(stack)
        checks = [*_expiries(status, now), *([] if arguments.offline else _serving(status))]
        locks = state_locks.read(stack) if _has_locks() else []
        failed = failed or any(passed is False for passed, _ in checks)
        if arguments.json:
            shown = [{"passed": passed, "text": text} for passed, text in checks]
            documents.append({**status.json(), "checks": shown, "locks": list(map(str, locks))})
            continue
        for line in _lines(status, checks, now):
            report(line)
        for lock in locks:
            report(f"  locked by {lock}; see 'python -m ops lock --stack {stack}'")
    if arguments.json:
        report(json.dumps(documents, indent=2))
    return int(failed)


def _all() -> list[StackName]:
    listed = cli.run("pulumi", "stack", "ls", "--json", "--non-interactive")
    if listed.returncode:
        raise OpsError(f"The stacks cannot be listed ({cli.last_line(listed.stderr)}); run 'pulumi login'")
    return [StackName.parse(item["name"]) for item in json.loads(listed.stdout)]


def _has_locks() -> bool:
    whoami = cli.run("pulumi", "whoami", "--json", "--non-interactive")
    return not str(json.loads(whoami.stdout or "{}").get("url", "")).startswith(("http://", "https://"))


def _read(stack: StackName) -> StackStatus:
    exported = cli.run("pulumi", "stack", "export", "--stack", str(stack), "--non-interactive")
    if exported.returncode:
        raise OpsError(f"The state of stack {stack} cannot be read ({cli.last_line(exported.stderr)}); see that error")
    return StackStatus.read(str(stack), exported.stdout)


def _serving(status: StackStatus) -> list[Check]:
    options = argparse.Namespace(
        job=True, path="/", expect=None, url=None, proxy=None, ca=os.environ.get(site.CA_VARIABLE)
    )
    try:
        return list(verify.checks(status.outputs, options)) if status.outputs else []
    except OpsError as error:
        return [(False, str(error))]


def _expiries(status: StackStatus, now: datetime) -> Iterator[Check]:
    for credential in status.credentials:
        if credential.expires and credential.expires - now < SOON:
            end = "has expired" if credential.expires < now else f"expires on {credential.expires:%Y-%m-%d}"
            yield False, f"{credential.name} {end}; see 'Rotate credentials' in docs/operations.md"


def _lines(status: StackStatus, checks: Sequence[Check], now: datetime) -> Iterator[str]:
    ran = f"last run {_ago(status.last_run, now)}" if status.last_run else "never run"
    yield f"{status.stack}: {ran}"
    if status.image:
        yield f"  image {status.image}"
        yield f"  deployed by {status.deployed_by}"
    for place in status.places:
        yield f"  on {place}"
    for credential in status.credentials:
        yield f"  {_shown(credential, now)}"
    if status.interrupted:
        yield f"  {status.interrupted} operations of a killed run; see 'python -m ops lock --help'"
    for passed, text in checks:
        yield f"  {'note' if passed is None else 'ok  ' if passed else 'FAIL'}  {text}"


def _shown(credential: Credential, now: datetime) -> str:
    made = f", made {_ago(credential.made, now)}" if credential.made else ""
    expires = f"expires on {credential.expires:%Y-%m-%d}" if credential.expires else "does not expire"
    return f"{credential.name}{made}, {expires}"


def _ago(moment: datetime, now: datetime) -> str:
    hours = (now - moment) / timedelta(hours=1)
    if hours < 1:
        return f"{hours * 60:.0f} min ago"
    return f"{hours:.0f} h ago" if hours < 48 else f"{hours / 24:.0f} days ago"
