"""`python -m ops status`: what runs where, since when and by whom, and is it well, of every stack of the project."""

import argparse
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from ops import cli, drift, expiries, job_secrets, site, state_locks, status_page
from ops.checks.check import Check
from ops.commands import verify
from ops.console import report, shown
from ops.deployments import SHOWN
from ops.gitlab import stack_token
from ops.ops_error import OpsError
from ops.preview.redaction import Redactor
from ops.stack_name import StackName
from ops.stack_status import Credential, StackStatus
from ops.status_page import ago

HELP = """\
Shows every stack of the project, or those that are named: the image, since when it runs and who deployed it, where it
is, whether it serves (as 'ops verify --job' sees it, with your own kubeconfig and ssh), the credentials that it uses
with their age and day of expiry, and the lock of its state. Nothing is changed. It fails if a check does, or if a
state cannot be read.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.description = HELP
    parser.add_argument("--stack", type=StackName.parse, action="append", help="name of a stack (default: all)")
    parser.add_argument("--json", action="store_true", help="print JSON in place of text")
    parser.add_argument("--html", type=Path, metavar="FILE", help="also write a page with all of it, and the last runs")
    parser.add_argument("--offline", action="store_true", help="read the states alone: ask no cluster, host or site")
    parser.add_argument(
        "--drift",
        action="store_true",
        help="also compare every resource with what the stack declares, as 'ops drift' does: it takes the secrets of "
        "the stack, and its time",
    )


def run(arguments: argparse.Namespace) -> int:
    """Prints each stack; 1 if a check failed."""
    stacks = arguments.stack or _all()
    if not stacks:
        raise OpsError("This project has no stack; 'pulumi stack init NAME' makes one")
    now, documents, failed = datetime.now(UTC), [], False
    has_locks = _has_locks()
    for stack in stacks:
        try:
            status = _read(stack)
            locks = state_locks.read(stack) if has_locks else []
        except OpsError as error:
            # The others are shown all the same.
            status, locks = StackStatus(stack=str(stack), outputs={}, last_run=None, readable=False), []
            checks: list[Check] = [(False, str(error))]
        else:
            if not arguments.offline:
                status = replace(status, credentials=(*status.credentials, *_used(stack, status)))
            checks = [*_expiries(status, now), *([] if arguments.offline else _serving(status))]
        compared = _compare(stack) if arguments.drift and status.readable else None
        failed = failed or any(passed is False for passed, _ in [*checks, *([compared] if compared else [])])
        documents.append(_document(status, checks, compared, list(map(str, locks))))
        if not arguments.json:
            for line in _lines(status, [*checks, *([compared] if compared else [])], now):
                report(line)
            for lock in locks:
                report(f"  locked by {lock}; see 'python -m ops lock --stack {stack}'")
    if arguments.json:
        report(json.dumps(documents, indent=2))
    if arguments.html:
        _write(arguments.html, documents, now)
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
    pages = ("--page-size", str(SHOWN), "--page", "1")
    history = cli.run("pulumi", "stack", "history", "--json", *pages, "--stack", str(stack), "--non-interactive")
    try:
        return StackStatus.read(str(stack), exported.stdout, history.stdout if history.returncode == 0 else "")
    except ValueError as error:
        raise OpsError(
            f"The state of stack {stack} is none that can be read; run 'pulumi stack export' on it"
        ) from error


def _used(stack: StackName, status: StackStatus) -> Iterator[Credential]:
    """What the stack uses and has not made."""
    access = status.outputs.get("access")
    if access:
        yield from expiries.of_token(access["gitlabUrl"], stack_token.find(stack))
    yield from expiries.of_sites(status, site.trusting(os.environ.get(site.CA_VARIABLE)))


def _serving(status: StackStatus) -> list[Check]:
    options = argparse.Namespace(
        job=True, path=None, expect=None, url=None, proxy=None, ca=os.environ.get(site.CA_VARIABLE)
    )
    try:
        return list(verify.checks(status.outputs, options)) if status.outputs else []
    except OpsError as error:
        return [(False, str(error))]


def _compare(stack: StackName) -> Check:
    found = drift.look(stack, Redactor(job_secrets.read(os.environ)))
    return found.is_known and not found.is_there, found.verdict


def _expiries(status: StackStatus, now: datetime) -> Iterator[Check]:
    for credential in status.credentials:
        if credential.expires and credential.due and credential.due <= now:
            end = "has expired" if credential.expires < now else f"expires on {credential.expires:%Y-%m-%d}"
            yield False, f"{credential.name} {end}; see 'Rotate credentials' in docs/operations.md"


def _document(
    status: StackStatus, checks: Sequence[Check], compared: Check | None, locks: Sequence[str]
) -> dict[str, Any]:
    return {
        **status.json(),
        "checks": [_result(check) for check in checks],
        "drift": _result(compared) if compared else None,
        "locks": locks,
    }


def _result(check: Check) -> dict[str, Any]:
    return {"passed": check[0], "text": check[1]}


def _write(file: Path, documents: Sequence[Mapping[str, Any]], now: datetime) -> None:
    name = os.environ.get("CI_PROJECT_PATH") or yaml.safe_load(Path("Pulumi.yaml").read_text())["name"]
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(status_page.render(shown(str(name)), _shown(list(documents)), now), encoding="utf-8")
    except OSError as error:
        raise OpsError(f"{file} cannot be written ({error.strerror}); name another file with --html") from error
    report(f"written: {file}")


def _shown(value: Any) -> Any:  # noqa: ANN401 - what JSON holds
    """Every text as anybody may see it."""
    if isinstance(value, str):
        return shown(value)
    if isinstance(value, Mapping):
        return {key: _shown(item) for key, item in value.items()}
    return [_shown(item) for item in value] if isinstance(value, list | tuple) else value


def _lines(status: StackStatus, checks: Sequence[Check], now: datetime) -> Iterator[str]:
    ran = f"last run {ago(status.last_run, now)}" if status.last_run else "never run"
    yield f"{status.stack}: {ran if status.readable else 'not known'}"
    if status.image:
        yield f"  image {status.image}"
        since = f", since {status.since:%Y-%m-%d %H:%M} UTC" if status.since else ""
        yield f"  deployed by {status.deployed_by}{since}"
    for place in status.places:
        yield f"  on {place}"
    for address in status.addresses:
        yield f"  at {address}"
    for credential in status.credentials:
        yield f"  {_credential(credential, now)}"
    if status.interrupted:
        yield f"  {status.interrupted} operations of a killed run; see 'python -m ops lock --help'"
    for passed, text in checks:
        yield f"  {'note' if passed is None else 'ok  ' if passed else 'FAIL'}  {text}"


def _credential(credential: Credential, now: datetime) -> str:
    made = f", made {ago(credential.made, now)}" if credential.made else ""
    expires = f"expires on {credential.expires:%Y-%m-%d}" if credential.expires else "does not expire"
    return f"{credential.name}{made}, {expires}"
