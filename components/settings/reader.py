"""Reads a block of a stack file into its dataclass, with every problem of it at once. Pure: no Pulumi here."""

import difflib
import shlex
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from components.settings.block import Block, below, check, wanted_of
from components.settings.conditions import broken
from components.settings.key import Key, keys_of
from components.settings.problem import Problem, Sealed, kind_of
from components.settings.rule import refusing

_Block = TypeVar("_Block", bound=Block)


@dataclass(frozen=True, kw_only=True)
class Reader:
    """Collects the problems of all that it reads."""

    conceal: Callable[[str], Any]
    """Makes an Output that is marked as secret of a text that came encrypted."""
    problems: list[Problem] = field(default_factory=list)

    def add(self, path: str, cause: str, remedy: str) -> None:
        """Records a problem whose value there is none of, or which is not shown."""
        self.problems.append(Problem(path=path, cause=cause, remedy=remedy))

    def read(self, block: type[_Block], fields: Mapping[str, object], path: str, mark: str = ".") -> _Block | None:
        """The block; None if a key of it is refused. `mark` stands between the path and the name of a key."""
        before = len(self.problems)
        keys = {key.name: key for key in keys_of(block)}
        for name in fields:
            if name not in keys:
                self.unknown(f"{path}{mark}{name}", name, keys)
        values: dict[str, Any] = {}
        for key in keys.values():
            at = f"{path}{mark}{key.name}"
            if key.name in fields:
                values[key.field] = self._value(key, fields[key.name], at)
            elif key.required:
                self.add(at, "is missing", wanted_of(key))
        for condition in broken(block.conditions, fields):
            self.add(f"{path}{mark}{condition.path}", condition.cause, condition.remedy)
        return block(**values) if len(self.problems) == before else None

    def unknown(self, path: str, name: str, known: Collection[str]) -> None:
        """Records a key that nothing reads, with the nearest one that is read."""
        near = difflib.get_close_matches(name, known, n=1)
        remedy = f"did you mean {near[0]!r}?" if near else f"known are: {', '.join(sorted(known))}"
        self.add(path, "is not a known key", remedy)

    def _value(self, key: Key, value: object, path: str) -> object:
        """The value of a field. If there are problems, they are recorded, and it is of no use."""
        if value is None:
            self.add(path, "is missing", wanted_of(key))
            return None
        if key.block and isinstance(value, Mapping):
            return self.read(key.block, cast("Mapping[str, object]", value), path)
        if key.kind == "map" and not key.is_shown and not isinstance(value, Mapping):
            self.problems.append(_undivided(key, value, path))
            return None
        found = [*check(key, value, path), *(_in_clear(key, value, path) if key.secrecy == "must" else ())]
        self.problems.extend(found)
        return None if found else self._opened(value)

    def _opened(self, value: object) -> object:
        """The value as a block has it."""
        if isinstance(value, Sealed):
            return self.conceal(value.text)
        if isinstance(value, Mapping):
            return {name: self._opened(text) for name, text in value.items()}
        return tuple(value) if isinstance(value, list) else value


def _in_clear(key: Key, value: object, path: str) -> list[Problem]:
    """Secrets that are in plain text. They are not shown; whoever reads the stack file knows them by now."""
    if key.kind == "map" and isinstance(value, Mapping):
        paths = [
            (_of_entry(key, path) if refusing(key.names, name) else below(path, name), value[name]) for name in value
        ]
    else:
        paths = [(path, value)]
    return [
        Problem(
            path=at,
            cause="is in plain text",
            remedy=f"revoke that secret, and set a new one with {_set_secret(at)}",
        )
        for at, text in paths
        if isinstance(text, str)
    ]


def _undivided(key: Key, value: object, path: str) -> Problem:
    """One value in place of a mapping whose values are secrets, each encrypted by itself."""
    each = _set_secret(_of_entry(key, path))
    if isinstance(value, Sealed):
        remedy = f"take it out, and encrypt each value by itself with {each}"
        return Problem(path=path, cause="is encrypted as a whole", remedy=remedy)
    if key.secrecy == "must":
        remedy = f"take it out, revoke what is a secret in it, and set each value with {each}"
        return Problem(path=path, value=kind_of(value), cause="is of the wrong type", remedy=remedy)
    return Problem(path=path, value=kind_of(value), cause="is of the wrong type", remedy=wanted_of(key))


def _of_entry(key: Key, path: str) -> str:
    """The path of a value of a mapping, with what stands for its name."""
    return below(path, key.names[0].form)


def _set_secret(path: str) -> str:
    option = "--secret --path" if "." in path else "--secret"
    return f"'pulumi config set {option} {shlex.quote(path)}'"
