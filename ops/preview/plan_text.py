"""A plan in plain text, for the job's log, and the words that every form of it shares. Pure."""

from collections.abc import Iterator, Sequence

from ops.preview.plan import Change, Operation, Plan
from ops.preview.properties import Property

VALUE_LIMIT = 2000
NAMES = 4
OPERATIONS: tuple[Operation, ...] = ("create", "update", "replace", "delete", "import")
COMPARED = "compared with the target branch, not with what runs"
_SIGNS = {"create": "+", "update": "~", "replace": "+-", "delete": "-", "import": "="}
_KINDS = {"add": "+", "delete": "-", "update": "~"}


def summary(plan: Plan) -> str:
    """The plan in one line: `1 to create, 2 to update`."""
    return f"the preview of {plan.stack} failed" if plan.failed else counts(plan)


def counts(plan: Plan) -> str:
    """The number of changes of each kind."""
    found = [f"{plan.count(operation)} to {operation}" for operation in OPERATIONS if plan.count(operation)]
    return ", ".join(found) or "no changes"


def lines(plan: Plan) -> Iterator[str]:
    """The whole plan, line by line."""
    yield f"{plan.stack}: {summary(plan)}{f' ({COMPARED})' if plan.compared else ''}"
    yield from details(plan)


def details(plan: Plan) -> Iterator[str]:
    """The plan without its first line."""
    if plan.failure:
        yield f"  {plan.failure}"
    for old, new in plan.images:
        yield f"  image {old or 'none'} -> {new or 'none'}"
    destroyed = [change for change in plan.changes if change.destructive]
    if destroyed:
        yield f"  DESTRUCTIVE: {', '.join(removal(change) for change in destroyed)}"
    for change in plan.changes:
        reasons = f" (because of {', '.join(change.reasons)})" if change.reasons else ""
        yield f"  {_SIGNS[change.operation]:2} {change.operation} {change.type} {change.name}{reasons}"
        if change.operation != "delete":
            yield from (f"       {_KINDS[item.kind]} {item.path}: {difference(item)}" for item in change.properties)
    if plan.outputs:
        yield f"  stack outputs change: {', '.join(plan.outputs)}"
    for item in plan.diagnostics:
        about = f"{abbreviate(item.resources)}: " if item.resources else ""
        first, *more = item.message.splitlines() or [""]
        yield f"  {item.severity}: {about}{shorten(first, VALUE_LIMIT)}"
        yield from (f"    {shorten(line, VALUE_LIMIT)}" for line in more)


def removal(change: Change) -> str:
    """What a change removes: `deletes Namespace access-namespace`."""
    return f"{change.operation}s {change.type} {change.name}"


def abbreviate(names: Sequence[str]) -> str:
    """The first few of many names."""
    more = f" and {len(names) - NAMES} more" if len(names) > NAMES else ""
    return f"{', '.join(names[:NAMES])}{more}"


def difference(item: Property) -> str:
    """A property's change: the value that comes, `old (removed)`, or `old -> new`."""
    suffix = " (replaces the resource)" if item.replaces else ""
    old, new = (shorten(value, VALUE_LIMIT) if value is not None else None for value in (item.old, item.new))
    if item.kind == "add":
        return f"{new}{suffix}"
    if item.kind == "delete":
        return f"{old} (removed){suffix}"
    return f"{old} changed{suffix}" if item.secret else f"{old} -> {new}{suffix}"


def shorten(text: str, limit: int) -> str:
    """The text, shortened in the middle if it exceeds the limit: both ends of an image or a path matter."""
    if len(text) <= limit:
        return text
    head = (limit - 5) * 2 // 3
    return f"{text[:head]} ... {text[-(limit - 5 - head) :]}"
