"""Whether what runs still matches a stack, by the engine's own comparison. Nothing is repaired."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from ops import cli
from ops.gitlab.drift_issue import Conflict
from ops.ops_error import OpsError
from ops.preview import plan, plan_text
from ops.preview.plan import Plan
from ops.preview.redaction import Redactor
from ops.stack_name import StackName

# A refresh reads every object, and each provider waits for a server that does not answer.
TIMEOUT_SECONDS = 1800
# Kubernetes, apimachinery/pkg/util/managedfields: `conflict with "kubectl" using apps/v1: .spec.replicas`
_CONFLICT = re.compile(r'conflicts? with "([^"]+)"[^:\n]*:((?:\s+(?:- )?\.\S+)+)')


@dataclass(frozen=True, kw_only=True)
class Drift:
    """What `pulumi up --refresh` would undo."""

    plan: Plan
    conflicts: tuple[Conflict, ...]
    """The fields that others manage, if the preview failed because of nothing else."""

    @property
    def is_known(self) -> bool:
        """Whether the engine could compare."""
        return not self.plan.failed or bool(self.conflicts)

    @property
    def is_there(self) -> bool:
        """Whether anything differs."""
        return bool(self.plan.changes or self.conflicts)

    @property
    def verdict(self) -> str:
        """In one line."""
        if not self.is_known:
            return "it is not known whether there is drift"
        if not self.is_there:
            return "no drift"
        fields = ", ".join(f"{conflict.field} ({conflict.manager})" for conflict in self.conflicts)
        return f"drift: {plan_text.counts(self.plan)}{f'; others manage {fields}' if self.conflicts else ''}"


def look(stack: StackName, redactor: Redactor) -> Drift:
    """Compares; it takes as long as a refresh of every resource, and the stack's secrets."""
    preview = _preview(stack, redactor)
    return Drift(plan=preview, conflicts=tuple(_conflicts(preview)))


def _preview(stack: StackName, redactor: Redactor) -> Plan:
    """What `pulumi up --refresh` would do; a failed plan if the engine cannot say."""
    command = ("pulumi", "preview", "--refresh", "--json", "--non-interactive", "--stack", str(stack))
    try:
        ended = cli.run(*command, timeout=TIMEOUT_SECONDS)
    except OpsError as error:
        return Plan(str(stack), failure=str(error))
    preview = plan.read(str(stack), f"{ended.stdout}\n{ended.stderr}", redactor)
    if ended.returncode and not preview.failed:
        return replace(preview, failure=f"pulumi preview ended with status {ended.returncode}")
    return preview


def _conflicts(preview: Plan) -> Iterator[Conflict]:
    """The fields that others manage, if the preview failed because of nothing else; else none."""
    errors = [item.message for item in preview.diagnostics if item.severity == "error"]
    if preview.failure or not all(_CONFLICT.search(message) for message in errors):
        return
    for message in errors:
        for conflict in _CONFLICT.finditer(message):
            yield from (Conflict(conflict[1], field) for field in re.findall(r"\.\S+", conflict[2]))
