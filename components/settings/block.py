"""What every block is: a dataclass whose fields are keys, and which refuses what they refuse. Pure: no Pulumi here."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, cast

from components.settings.conditions import Condition, broken
from components.settings.key import Key, keys_of
from components.settings.problem import Problem, Sealed, kind_of, quoted
from components.settings.rule import refusing

PLAIN_TEXT = (
    "store it in plain text, or put a secret into app.secrets, with kubernetes.manifests into kubernetes.secrets"
)
_WORD = re.compile("[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_UP_TO_A_VALUE = re.compile("[A-Za-z0-9_./-]*.?", re.ASCII | re.DOTALL)
ENCRYPTED = "is encrypted, and this key is no place for a secret"


@dataclass(frozen=True, kw_only=True)
class Block:
    """A block. Made by hand in code, it raises ValueError naming field, value and remedy."""

    conditions: ClassVar[tuple[Condition, ...]] = ()
    """Rules between its keys."""

    def __post_init__(self) -> None:
        given: dict[str, Any] = {}
        fields = {key.name: key.field for key in keys_of(type(self))}
        for key in keys_of(type(self)):
            value = getattr(self, key.field)
            if value != key.default or key.required:
                given[key.name] = value
                for problem in check(key, value, key.field):
                    raise ValueError(str(problem))
        for condition in broken(self.conditions, given):
            raise ValueError(f"{fields[condition.path]} {condition.cause}; {condition.remedy}")


def check(key: Key, value: object, path: str) -> Iterator[Problem]:
    """What the declaration of a key has against a value, be it from a stack file or from code."""
    match key.kind:
        case "text" | "choice":
            yield from _check_text(key, value, path)
        case "integer":
            wanted = f"use a whole number from {key.low} to {key.high}"
            # In Python a bool is an int, in a stack file it is not.
            if not isinstance(value, int) or isinstance(value, bool):
                yield _wrong_type(key, value, path, f"{wanted}, without quotes")
            elif not key.low <= value <= key.high:
                yield Problem(path=path, value=_shown(key, value), cause="is out of range", remedy=wanted)
        case "boolean":
            if not isinstance(value, bool):
                yield _wrong_type(key, value, path, wanted_of(key))
        case "texts":
            yield from _check_list(key, value, path)
        case "map":
            yield from _check_map(key, value, path)
        case "block":
            if not isinstance(value, key.block or Block):
                yield _wrong_type(key, value, path, wanted_of(key))


def wanted_of(key: Key) -> str:
    """The remedy for a value of the wrong type, or none."""
    if key.secrecy == "must" and key.kind == "text":
        return "set it with 'pulumi config set --secret'"
    wanted = {
        "text": "text (put it in quotes)",
        "choice": f"one of: {', '.join(key.choices)}",
        "integer": f"a whole number from {key.low} to {key.high}, without quotes",
        "boolean": "true or false",
        "texts": "a list",
        "map": "a mapping",
        "block": "a mapping",
    }
    return f"use {wanted[key.kind]}"


def _check_text(key: Key, value: object, path: str) -> Iterator[Problem]:
    if isinstance(value, Sealed):
        if key.secrecy == "never":
            yield Problem(path=path, cause=ENCRYPTED, remedy=PLAIN_TEXT)
            return
        # Seen and refused by the same rules, but never shown.
        rule = refusing(key.rules, value.text)
        if rule:
            yield Problem(path=path, cause=f"{rule.cause}, and is not shown, for it is encrypted", remedy=rule.remedy)
    elif isinstance(value, str):
        rule = refusing(key.rules, value)
        if rule:
            yield Problem(path=path, value=_shown(key, value), cause=rule.cause, remedy=rule.remedy)
        elif key.kind == "choice" and value not in key.choices:
            yield Problem(path=path, value=_shown(key, value), cause="is not a choice", remedy=wanted_of(key))
    elif key.secrecy == "must" and _is_plain(value):
        yield Problem(path=path, cause="is of the wrong type", remedy="use encrypted text")
    elif key.secrecy == "never" or _is_plain(value):
        remedy = wanted_of(key) if key.kind == "choice" else "use text (put it in quotes)"
        yield _wrong_type(key, value, path, remedy)


def _check_list(key: Key, value: object, path: str) -> Iterator[Problem]:
    if not isinstance(value, Sequence) or isinstance(value, str):
        yield _wrong_type(key, value, path, wanted_of(key))
        return
    seen: list[object] = []
    for index, text in enumerate(value):
        at = f"{path}[{index}]"
        if isinstance(text, str) and key.unique and text in seen:
            yield Problem(path=at, value=_shown(key, text), cause="is there twice", remedy="take one out")
        else:
            yield from _check_text(key, text, at)
        seen.append(text)


def _check_map(key: Key, value: object, path: str) -> Iterator[Problem]:
    if not isinstance(value, Mapping):
        yield _wrong_type(key, value, path, wanted_of(key))
        return
    for given, text in cast("Mapping[str, object]", value).items():
        rule, name = refusing(key.names, given), given
        if rule:
            name = given if key.is_shown else _without_value(given)
            yield Problem(path=path, value=quoted(name), cause=rule.cause, remedy=rule.remedy)
        yield from _check_text(key, text, below(path, name))


def _without_value(name: str) -> str:
    """A refused name up to where its value may begin, as in 'PASSWORD=hunter2'."""
    shown = _UP_TO_A_VALUE.match(name)
    return name if not shown or shown[0] == name else f"{shown[0]}..."


def below(path: str, name: str) -> str:
    """The path of a name in a mapping, as `pulumi config set --path` takes it."""
    return f"{path}.{name}" if _WORD.fullmatch(name) else f"{path}[{json.dumps(name)}]"


def _is_plain(value: object) -> bool:
    """Whether it is of a type that a stack file may have, and no Output."""
    return value is None or isinstance(value, int | float | list | dict | tuple)


def _shown(key: Key, value: object) -> str:
    """The value as it is shown in a problem."""
    # What is inside of a list or mapping may be encrypted.
    return quoted(value) if key.is_shown and not isinstance(value, list | dict) else kind_of(value)


def _wrong_type(key: Key, value: object, path: str, remedy: str) -> Problem:
    if isinstance(value, Sealed):
        return Problem(path=path, cause=ENCRYPTED, remedy=PLAIN_TEXT)
    return Problem(path=path, value=_shown(key, value), cause="is of the wrong type", remedy=remedy)
