"""Plans as data, which a job of a branch hands to one that runs the target branch's code. Pure."""

import dataclasses
import json
import types
from collections.abc import Sequence
from typing import Any, Literal, get_args, get_origin, get_type_hints

from ops.preview.plan import Plan
from ops.preview.printable import printable, printable_lines
from ops.preview.redaction import Redactor


class NoPlansError(ValueError):
    """The text is no list of plans; the message says at which path."""


def dump(plans: Sequence[Plan]) -> str:
    """The plans as JSON. Every text in a Plan is safe to show, so that this is as well."""
    return json.dumps([dataclasses.asdict(plan) for plan in plans])


def load(text: str, redactor: Redactor) -> list[Plan]:
    """The plans in a text that anybody may have written: of the exact form, and every text made safe to show again."""
    try:
        items = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise NoPlansError("it is not JSON") from error
    if not isinstance(items, list):
        raise NoPlansError("it is not a list")
    return [_read(Plan, item, f"[{number}]", redactor) for number, item in enumerate(items)]


def _read(kind: Any, value: object, path: str, redactor: Redactor) -> Any:  # noqa: ANN401 - of that kind
    """The value, which has to be of this kind: a dataclass, a tuple, one of several words, or text or nothing."""
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        kinds = get_type_hints(kind)
        if not isinstance(value, dict) or value.keys() != kinds.keys():
            raise NoPlansError(f"{path} does not have the fields of a {kind.__name__}")
        return kind(**{name: _read(kinds[name], value[name], f"{path}.{name}", redactor) for name in kinds})
    if get_origin(kind) is tuple and isinstance(value, list):
        return tuple(_read(get_args(kind)[0], item, f"{path}[{at}]", redactor) for at, item in enumerate(value))
    if get_origin(kind) is types.UnionType and value is None:
        return None
    if isinstance(value, bool) if kind is bool else get_origin(kind) is Literal and value in get_args(kind):
        return value
    if isinstance(value, str) and (kind is str or get_origin(kind) is types.UnionType):
        # Only a message has lines.
        safe = redactor.text(value)
        return "\n".join(printable_lines(safe)) if path.endswith(".message") else printable(safe)
    raise NoPlansError(f"{path} is of another type")
