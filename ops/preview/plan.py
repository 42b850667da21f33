"""`pulumi preview --json`, read into what a reviewer has to know. Pure.

The form is that of pulumi/pkg/display.PreviewDigest. It hides what is marked secret and holds no policy events;
everything that leaves this module has been through a Redactor besides.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from ops.preview import diagnostics
from ops.preview.diagnostics import Diagnostic, safe_name
from ops.preview.properties import Property, compare, submap
from ops.preview.redaction import Redactor

Operation = Literal["create", "update", "replace", "delete", "import"]

_OPERATIONS: dict[str, Operation] = {
    "create": "create",
    "update": "update",
    "replace": "replace",
    "create-replacement": "replace",
    "delete-replaced": "replace",
    "discard-replaced": "replace",
    "import-replacement": "replace",
    "delete": "delete",
    "discard": "delete",
    "import": "import",
}
_STACK = "pulumi:pulumi:Stack"
_DIGEST = {"config", "steps", "diagnostics", "duration", "changeSummary"}
_IMAGE_PATHS = {
    "kubernetes:apps/v1:Deployment": re.compile(r"spec\.template\.spec\.(initC|c)ontainers\[[^]]*\]\.image"),
    "docker:index/remoteImage:RemoteImage": re.compile("name"),
}


@dataclass(frozen=True)
class Change:
    """What happens to one resource."""

    operation: Operation
    type: str
    """In short form, such as `Deployment` or `provider kubernetes`."""
    name: str
    properties: tuple[Property, ...]
    reasons: tuple[str, ...] = ()
    """Why it is replaced, if no property shows it."""
    full_type: str = ""
    """The full type, such as `kubernetes:apps/v1:Deployment`."""
    created_first: bool = False
    """Whether its replacement is created, under another name, before it is deleted."""

    @property
    def destructive(self) -> bool:
        """Whether something that runs or is relied on goes away; an image no longer wanted stays on its host."""
        if self.full_type == "docker:index/remoteImage:RemoteImage":
            return False
        return self.operation == "delete" or (self.operation == "replace" and not self.created_first)


@dataclass(frozen=True)
class Plan:
    """A stack's preview. Every text in it is safe to show."""

    stack: str
    changes: tuple[Change, ...] = ()
    outputs: tuple[str, ...] = ()
    """Names of the stack's outputs that change."""
    diagnostics: tuple[Diagnostic, ...] = ()
    """Messages of the engine, the program and policies."""
    compared: bool = False
    """Whether this is one branch against another, and not against what runs."""
    failure: str | None = field(default=None)
    """Why there is no plan to show, in one sentence; None if there is one."""

    @property
    def failed(self) -> bool:
        """Whether the preview failed: `pulumi up` would too, so its changes are at best a part."""
        return self.failure is not None or any(item.severity == "error" for item in self.diagnostics)

    def count(self, operation: Operation) -> int:
        """The number of resources with that operation."""
        return sum(change.operation == operation for change in self.changes)

    @property
    def images(self) -> tuple[tuple[str | None, str | None], ...]:
        """The images that change, old and new, each pair once."""
        pairs = [
            (item.old, item.new)
            for change in self.changes
            for item in change.properties
            if (pattern := _IMAGE_PATHS.get(change.full_type)) and pattern.fullmatch(item.path)
        ]
        return tuple(dict.fromkeys(pair for pair in pairs if pair[0] != pair[1]))


def read(stack: str, text: str | None, redactor: Redactor) -> Plan:
    """The plan in the text of a plan file; None if it does not exist.

    Text around the JSON document, such as the engine's errors if both streams went to one file, is kept as
    diagnostics. A file that is empty, cut, or holds no document is a failed preview, never an empty plan.
    """
    if text is None:
        return Plan(stack, failure="there is no plan file")
    document, around = _document(text)
    printed = tuple(diagnostics.from_output(around, redactor))
    if document is None:
        why = "is empty" if not text.strip() else "is cut" if around != text else "holds no plan"
        return Plan(stack, diagnostics=printed, failure=f"the plan file {why}")
    planned = _planned(_dicts(document.get("steps")))
    return Plan(
        stack,
        changes=_changes(planned, redactor),
        outputs=tuple(_outputs(planned, redactor)),
        diagnostics=(*diagnostics.from_document(_dicts(document.get("diagnostics")), redactor), *printed),
        failure=None if "steps" in document else "the preview ended before it planned anything",
    )


def between(base: str | None, branch: str | None, stack: str, redactor: Redactor) -> Plan:
    """What a branch would change, from the texts of two previews against an empty state: its own and its target's.

    Resources are identified by their URNs. What replaces and what updates cannot be known. A changed secret is seen in
    the previews of `python -m ops render`, which marks each secret; Pulumi's own hide all of them alike.
    """
    after = read(stack, branch, redactor)
    before = read(stack, base, redactor)
    if after.failed:
        return Plan(stack, diagnostics=after.diagnostics, failure=after.failure, compared=True)
    old = {} if before.failed else _desired(base)
    new = _desired(branch)
    steps: list[dict[str, Any]] = []
    for urn in [*new, *(urn for urn in old if urn not in new)]:
        states = {"oldState": old.get(urn), "newState": new.get(urn)}
        operation = "create" if urn not in old else "delete" if urn not in new else "update"
        if operation != "update" or old[urn].get("inputs") != new[urn].get("inputs"):
            steps.append({"op": operation, "urn": urn} | {key: value for key, value in states.items() if value})
    missing = Diagnostic(
        "warning", "the target branch has no preview of this stack; all of the branch's is shown as new"
    )
    messages = (*after.diagnostics, missing) if before.failed else after.diagnostics
    return Plan(stack, changes=_changes(steps, redactor), diagnostics=messages, compared=True)


def _document(text: str) -> tuple[dict[str, Any] | None, str]:
    """The engine's JSON document in a text, and what stands around it; of one that is cut, what stands before it."""
    decoder = json.JSONDecoder()
    around = text
    for found in re.finditer(r"^\{", text, re.MULTILINE):
        try:
            document, end = decoder.raw_decode(text, found.start())
        except ValueError:
            around = text[: found.start()]
            continue
        if isinstance(document, dict) and document.keys() & _DIGEST:
            return document, f"{text[: found.start()]}\n{text[end:]}"
    return None, around


def _planned(steps: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The steps that `pulumi up` would take.

    A preview with --refresh lists every resource of the state first, as `refresh`, or as `update` or `delete` if the
    refresh found a difference (pulumi/pkg/backend/display/json.go); then come the steps of the plan itself, which start
    from what the refresh found.
    """
    if not any(step.get("op") == "refresh" for step in steps):
        return list(steps)
    planned, seen = [], set()
    for step in steps:
        if step.get("urn") in seen or "oldState" not in step:
            planned.append(step)
        seen.add(step.get("urn"))
    return planned


def _changes(steps: Sequence[Mapping[str, Any]], redactor: Redactor) -> tuple[Change, ...]:
    """The changes, the most severe first; the engine's own order differs from run to run."""
    ranks = ("delete", "replace", "update", "create", "import")
    changes = _each_change(steps, redactor)
    return tuple(sorted(changes, key=lambda change: (ranks.index(change.operation), change.full_type, change.name)))


def _each_change(steps: Sequence[Mapping[str, Any]], redactor: Redactor) -> Iterator[Change]:
    done: set[str] = set()
    for step in steps:
        urn, operation = str(step.get("urn", "")), _OPERATIONS.get(str(step.get("op")))
        old, new = _state(step, "oldState"), _state(step, "newState")
        full_type = str((new or old or {}).get("type") or urn.split("::")[-2:][0].rpartition("$")[2])
        # A component is a heading in the state: nothing happens when it comes or goes.
        component = not (new or old or {}).get("custom", True)
        if operation is None or full_type == _STACK or component or (operation == "replace" and urn in done):
            continue
        properties, filtered = compare(full_type, old, new, step, redactor)
        if operation == "update" and not properties and filtered:
            continue
        done.add(urn)
        reasons = () if any(item.replaces for item in properties) else step.get("replaceReasons") or ()
        yield Change(
            operation=operation,
            type=safe_name(_short(full_type), redactor),
            name=safe_name(urn.rpartition("::")[2], redactor),
            properties=properties,
            # A bridged provider names them in no order, and two previews of one change have to be the same.
            reasons=tuple(sorted(safe_name(str(reason), redactor) for reason in reasons if operation == "replace")),
            full_type=full_type,
            created_first=operation == "replace" and _is_created_first(full_type, old, new),
        )


def _is_created_first(full_type: str, old: Mapping[str, Any] | None, new: Mapping[str, Any] | None) -> bool:
    """Whether the engine can make the new one first: it has another name, and takes nothing that the old one holds.

    A preview does not show the order. Kubernetes' provider deletes first if the name stays (provider.go, Diff), and
    containers of one name, or on one port of the host, cannot be there both.
    """
    before, after = (submap(state, "inputs") for state in (old, new))
    if full_type.startswith("kubernetes:"):
        names = [submap(inputs, "metadata").get("name") for inputs in (before, after)]
        return None not in names and names[0] != names[1]
    if full_type == "docker:index/container:Container":
        chosen = after.get("__defaults")
        return not after.get("ports") and isinstance(chosen, list) and "name" in chosen
    return False


def _state(step: Mapping[str, Any], key: str) -> dict[str, Any] | None:
    state = step.get(key)
    return state if isinstance(state, dict) else None


def _short(full_type: str) -> str:
    """`kubernetes:apps/v1:Deployment` is a Deployment, `pulumi:providers:docker` the provider docker."""
    if full_type.startswith("pulumi:providers:"):
        return f"provider {full_type.rpartition(':')[2]}"
    return full_type.rpartition(":")[2]


def _outputs(steps: Sequence[Mapping[str, Any]], redactor: Redactor) -> Iterator[str]:
    """Names of the stack's outputs that differ, if the preview has both sides."""
    for step in steps:
        old, new = _state(step, "oldState"), _state(step, "newState")
        if old and new and new.get("type") == _STACK and isinstance(new.get("outputs"), dict):
            before, after = old.get("outputs") or {}, new["outputs"]
            names = [*before, *(name for name in after if name not in before)]
            yield from (safe_name(name, redactor) for name in names if before.get(name) != after.get(name))


def _desired(text: str | None) -> dict[str, dict[str, Any]]:
    """The resources that a preview against an empty state would make, by URN."""
    document, _ = _document(text or "")
    steps = _dicts((document or {}).get("steps"))
    return {str(step["urn"]): step["newState"] for step in steps if isinstance(step.get("newState"), dict)}


def _dicts(value: object) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
