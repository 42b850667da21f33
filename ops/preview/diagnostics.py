"""What the engine and the program said during a preview: errors, warnings and policy events, safe to show."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ops.preview.properties import visible
from ops.preview.redaction import Redactor

Severity = Literal["info", "warning", "error"]

# What a run that failed ends with: it is said better by the diagnostics before.
_LAST_WORDS = re.compile(r"an unhandled error occurred: program exited with|^(preview|update) failed$")
_COLOR = re.compile(r"\x1b\[[0-9;]*[A-Za-z]|<\{%[^%]*%\}>")


@dataclass(frozen=True)
class Diagnostic:
    """What the engine or the program said."""

    severity: Severity
    message: str
    resources: tuple[str, ...] = ()
    """The names of the resources it is about; none where it is about the whole run."""
    policy: str = ""
    """The policy that says it, where it is one."""


def of(items: Sequence[Mapping[str, Any]], redactor: Redactor) -> Iterator[Diagnostic]:
    """What was said, each message once with all it is about: a cluster that is down fails for each resource."""
    found: dict[tuple[str, str], list[str]] = {}
    for item in items:
        message = re.sub(r"^(error|warning): ", "", _clean(str(item.get("message", "")), redactor))
        name = safe(str(item.get("urn") or "").rpartition("::")[2], redactor)
        resources = found.setdefault((str(item.get("severity", "")), message), [])
        if name and name not in resources:
            resources.append(name)
    telling = {key: names for key, names in found.items() if key[1] and not _LAST_WORDS.search(key[1])}
    # Where there is nothing but the run's last words, they are all there is to show.
    shown = telling if any(severity == "error" for severity, _ in telling) else found
    for (severity, message), names in shown.items():
        if message:
            yield Diagnostic(_severity(severity), message, tuple(sorted(names)))


def _severity(text: str) -> Severity:
    return "error" if text == "error" else "warning" if text == "warning" else "info"


def beside(text: str, redactor: Redactor) -> Iterator[Diagnostic]:
    """What an engine printed beside its plan: errors and warnings, and the policy events of its event log.

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
    name = safe(str(urn).rpartition("::")[2], redactor)
    severity: Severity = "error" if level == "mandatory" else "warning"
    yield Diagnostic(severity, _clean(message, redactor), (name,) if name else (), policy=safe(str(policy), redactor))


def safe(text: str, redactor: Redactor) -> str:
    """A name as it can be shown: without credentials and control characters."""
    return visible(redactor.text(text))


def _clean(text: str, redactor: Redactor) -> str:
    """Lines of a message, without colors, credentials and control characters."""
    plain = redactor.text(_COLOR.sub("", text)).expandtabs(2)
    return "\n".join(visible(line).rstrip() for line in plain.replace("\r\n", "\n").split("\n")).strip("\n")
