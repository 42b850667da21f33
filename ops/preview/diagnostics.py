"""Errors, warnings and policy events of a preview, safe to show. Pure."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ops.preview.printable import printable, printable_lines
from ops.preview.redaction import Redactor

Severity = Literal["info", "warning", "error"]

# How a failed run ends: the diagnostics before it say why.
_CONCLUSION = re.compile(
    "an unhandled error occurred: program exited with"
    # The program's last word when the engine has stopped before it (pulumi/runtime/settings.py of the SDK).
    "|^Resource monitor has terminated, shutting down$"
    "|^(preview|update) failed$"
)
_COLOR = re.compile(r"\x1b\[[0-9;]*[A-Za-z]|<\{%[^%]*%\}>")


@dataclass(frozen=True)
class Diagnostic:
    """A message of the engine, the program or a policy."""

    severity: Severity
    message: str
    resources: tuple[str, ...] = ()
    """The names of the resources it is about; none if it is about the whole run."""
    policy: str = ""
    """The policy that reports it; empty for other messages."""


def from_document(items: Sequence[Mapping[str, Any]], redactor: Redactor) -> Iterator[Diagnostic]:
    """The diagnostics of a plan, each message once with its resources: a cluster that is down fails for all of them."""
    messages: dict[tuple[str, str], list[str]] = {}
    for item in items:
        message = re.sub(r"^(error|warning): ", "", _clean(str(item.get("message", "")), redactor))
        name = safe_name(str(item.get("urn") or "").rpartition("::")[2], redactor)
        resources = messages.setdefault((str(item.get("severity", "")), message), [])
        if name and name not in resources:
            resources.append(name)
    causes = {key: names for key, names in messages.items() if key[1] and not _CONCLUSION.search(key[1])}
    # If there is nothing but the run's conclusion, it is all there is to show.
    shown = causes if any(severity == "error" for severity, _ in causes) else messages
    for (severity, message), names in shown.items():
        if message:
            yield Diagnostic(_severity(severity), message, tuple(sorted(names)))


def _severity(text: str) -> Severity:
    return "error" if text == "error" else "warning" if text == "warning" else "info"


def from_output(text: str, redactor: Redactor) -> Iterator[Diagnostic]:
    """What the engine printed besides its plan: errors and warnings, and the policy events of its event log.

    `pulumi preview --json` leaves policy events out (pulumi/pkg/backend/display/json.go); they are lines of the file of
    `--event-log` (sdk/go/common/apitype: PolicyEvent).
    """
    for line in text.splitlines():
        if '"policyEvent"' in line:
            yield from _policy_event(line, redactor)
        elif found := re.match(r"\s*(error|warning): (.*\S)", _clean(line, redactor)):
            yield Diagnostic(_severity(found[1]), found[2])


def _policy_event(line: str, redactor: Redactor) -> Iterator[Diagnostic]:
    try:
        event = json.loads(line)["policyEvent"]
        level, policy, urn = event["enforcementLevel"], event["policyName"], event.get("resourceUrn", "")
        message = f"{policy}: {event['message']}"
    except (ValueError, KeyError, TypeError):
        return
    name = safe_name(str(urn).rpartition("::")[2], redactor)
    severity: Severity = "error" if level == "mandatory" else "warning"
    yield Diagnostic(
        severity, _clean(message, redactor), (name,) if name else (), policy=safe_name(str(policy), redactor)
    )


def safe_name(text: str, redactor: Redactor) -> str:
    """A name as it can be shown: without credentials and control characters."""
    return printable(redactor.text(text))


def _clean(text: str, redactor: Redactor) -> str:
    """Lines of a message, without colors, credentials and control characters."""
    return "\n".join(printable_lines(redactor.text(_COLOR.sub("", text)))).strip("\n")
