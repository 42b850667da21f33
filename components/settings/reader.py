"""Reading blocks of a stack file, field by field, collecting every problem with its path. Pure: no Pulumi here."""

import difflib
import json
from collections.abc import Collection, Iterator, Mapping
from typing import TypeVar, cast

from components.settings.rules import Rule, quoted

_Type = TypeVar("_Type")


class Problems:
    """Every problem found so far, each one sentence that starts with the path."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._hidden: list[str] = []

    def __iter__(self) -> Iterator[str]:
        return iter(self._lines)

    def __bool__(self) -> bool:
        return bool(self._lines)

    def hide(self, path: str) -> None:
        """From now on, leave out the values of everything at and below this path."""
        self._hidden.append(path)

    def add(self, path: str, reason: str) -> None:
        """Records a reason (what is wrong and the remedy) under the path of its key."""
        if path.endswith(":") and any(path.startswith(hidden) for hidden in self._hidden):
            # What follows a colon starts with the value, and the remedy stands behind the last semicolon.
            reason = f"is refused, and not shown for it may be secret; {reason.rpartition('; ')[2]}"
        self._lines.append(f"{path} {reason}")

    def check(self, path: str, value: str, rule: Rule) -> None:
        """Records what the rule has against the value, if anything."""
        reason = rule(value)
        if reason:
            self.add(f"{path}:", reason)

    def unknown(self, path: str, key: str, known: Collection[str]) -> None:
        """Records a key that nothing reads, with the nearest one that is read."""
        near = difflib.get_close_matches(key, known, n=1)
        self.add(
            path, f"is not a known key; {f'did you mean {near[0]!r}?' if near else f'known are: {_listed(known)}'}"
        )


class Block:
    """One block of a stack file. Each reader takes a field by its key; `close` reports the keys nobody read."""

    def __init__(self, problems: Problems, path: str, fields: Mapping[str, object]) -> None:
        """`fields` are those under the key `path`."""
        self._problems = problems
        self.path = path
        self._fields = fields
        self._read: set[str] = set()

    def text(self, key: str, rule: Rule, default: str | None = None) -> str:
        """A text that its rule accepts. With no default the key has to be there."""
        path = f"{self.path}.{key}"
        value = self._take(key, str, "text (put it in quotes)", default)
        if value is None:
            return ""
        self._problems.check(path, value, rule)
        return value

    def optional(self, key: str, rule: Rule) -> str | None:
        """A text that its rule accepts, or None where the key is not there."""
        self._read.add(key)
        return self.text(key, rule) if key in self._fields else None

    def integer(self, key: str, low: int, high: int, default: int | None = None) -> int:
        """A whole number from low to high, both included."""
        value = self._take(key, int, f"a whole number from {low} to {high}, without quotes", default)
        if value is None:
            return low
        if not low <= value <= high:
            self._problems.add(
                f"{self.path}.{key}:", f"{value} is out of range; use a whole number from {low} to {high}"
            )
        return value

    def boolean(self, key: str, *, default: bool) -> bool:
        """True or false."""
        return bool(self._take(key, bool, "true or false", default))

    def choice(self, key: str, choices: Collection[str], default: str) -> str:
        """One of a few words."""

        def one_of(value: str) -> str | None:
            return None if value in choices else f"{quoted(value)} is not a choice; use one of: {', '.join(choices)}"

        return self.text(key, one_of, default)

    def texts(
        self, key: str, rule: Rule, default: tuple[str, ...] | None = None, *, unique: bool = True
    ) -> tuple[str, ...]:
        """A list of texts that the rule accepts, each of them there once where they are to be unique."""
        values = self._take(key, list, "a list", None if default is None else list(default)) or []
        texts: list[str] = []
        for index, value in enumerate(cast("list[object]", values)):
            path = f"{self.path}.{key}[{index}]"
            if not isinstance(value, str):
                self._problems.add(f"{path}:", f"{quoted(value)} is of the wrong type; use text (put it in quotes)")
            elif unique and value in texts:
                self._problems.add(f"{path}:", f"{quoted(value)} is there twice; take one out")
            else:
                self._problems.check(path, value, rule)
                texts.append(value)
        return tuple(texts)

    def text_map(self, key: str, name_rule: Rule, value_rule: Rule | None = None) -> Mapping[str, str]:
        """A mapping of names to texts, which their rules accept."""
        values = self._take(key, dict, "a mapping", {}) or {}
        texts: dict[str, str] = {}
        for name, value in cast("dict[str, object]", values).items():
            self._problems.check(f"{self.path}.{key}", name, name_rule)
            if isinstance(value, str):
                texts[name] = value
                if value_rule:
                    self._problems.check(f"{self.path}.{key}.{name}", value, value_rule)
            else:
                path = f"{self.path}.{key}.{name}:"
                self._problems.add(path, f"{quoted(value)} is of the wrong type; use text (put it in quotes)")
        return texts

    def block(self, key: str) -> "Block | None":
        """A block inside of this one, or None where there is none."""
        self._read.add(key)
        if key not in self._fields:
            return None
        fields = self._take(key, dict, "a mapping", None)
        if fields is None:
            return None
        return Block(self._problems, f"{self.path}.{key}", cast("dict[str, object]", fields))

    def peek(self, key: str) -> str:
        """The text of a key that is read, and checked, elsewhere; empty where it is not text."""
        value = self._fields.get(key)
        return value if isinstance(value, str) else ""

    def refuse(self, key: str, reason: str) -> None:
        """Records the reason where the block holds this key."""
        self._read.add(key)
        if key in self._fields:
            self._problems.add(f"{self.path}.{key}", reason)

    def close(self) -> None:
        """Reports every key that was not read."""
        for key in self._fields:
            if key not in self._read:
                self._problems.unknown(f"{self.path}.{key}", key, self._read)

    def _take(self, key: str, kind: type[_Type], wanted: str, default: _Type | None) -> _Type | None:
        self._read.add(key)
        value = self._fields.get(key, default)
        if value is None:
            self._problems.add(f"{self.path}.{key}", f"is missing; use {wanted}")
            return None
        # In Python a bool is an int, in a stack file it is not.
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            self._problems.add(f"{self.path}.{key}:", f"{quoted(value)} is of the wrong type; use {wanted}")
            return None
        return value


def read_blocks(
    problems: Problems,
    values: Mapping[str, str],
    secrets: Collection[str],
    project: str,
    scalars: Collection[str],
    blocks: Collection[str],
    may_hold_secrets: Collection[str] = (),
) -> tuple[dict[str, str], dict[str, Block]]:
    """Splits configuration into the project's scalar keys and its blocks, recording whatever is neither.

    Keys of the namespace `pulumi` are the engine's own. Those of any other namespace would go to a default provider,
    and default providers are off, so they would have no effect; a credential may lie there unseen. No value of a block
    that holds an encrypted one, which only those of `may_hold_secrets` may, is ever shown.
    """
    found_scalars: dict[str, str] = {}
    found_blocks: dict[str, Block] = {}
    for full, value in values.items():
        namespace, _, key = full.partition(":")
        if namespace == "pulumi":
            continue
        if namespace != project:
            problems.add(
                full, f"has no effect, for this program makes its own providers; take it out, or see {project}:*"
            )
        elif key in scalars:
            found_scalars[key] = value
        elif key not in blocks:
            problems.unknown(full, key, [*scalars, *blocks])
        elif full in secrets and key not in may_hold_secrets:
            problems.add(
                full, "holds an encrypted value, and a block may not, for previews would hide all of it; take it out"
            )
        else:
            fields = _fields(value)
            if full in secrets:
                problems.hide(full)
            if fields is None:
                problems.add(f"{full}:", f"{quoted(value)} is not a block; use a mapping of keys to values")
            else:
                found_blocks[key] = Block(problems, full, fields)
    return found_scalars, found_blocks


def _fields(value: str) -> Mapping[str, object] | None:
    try:
        fields: object = json.loads(value)
    except json.JSONDecodeError:
        return None
    return cast("dict[str, object]", fields) if isinstance(fields, dict) else None


def _listed(known: Collection[str]) -> str:
    return ", ".join(sorted(known))
