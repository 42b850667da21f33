"""Rules between keys, each for the reader and for the JSON schema. Pure: no Pulumi here.

Keys are named by their path from the block, or from the whole stack file, that the condition belongs to:
`host`, `access.namespace`.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

Fields = Mapping[str, Any]
Schema = dict[str, Any]


@dataclass(frozen=True)
class Predicate:
    """Something that holds for a block or not."""

    holds: Callable[[Fields], bool]
    """Whether it does, for the keys that are given."""
    schema: Schema
    """A JSON schema which says the same."""


def given(path: str) -> Predicate:
    """The key is given."""
    return Predicate(lambda fields: look_up(fields, path) is not None, _at(path, {}))


def is_block(path: str) -> Predicate:
    """The key is given, and its value has keys of its own."""
    return Predicate(lambda fields: isinstance(look_up(fields, path), Mapping), _at(path, {"type": "object"}))


def equals(path: str, value: str | bool) -> Predicate:
    """The key is given, and this is its value."""

    def holds(fields: Fields) -> bool:
        found = look_up(fields, path)
        # In Python 1 equals True, in a stack file it does not.
        return type(found) is type(value) and found == value

    return Predicate(holds, _at(path, {"const": value}))


def more_than(path: str, number: int) -> Predicate:
    """The key is given, and is a larger number."""

    def holds(fields: Fields) -> bool:
        found = look_up(fields, path)
        return isinstance(found, int) and found > number

    return Predicate(holds, _at(path, {"type": "integer", "exclusiveMinimum": number}))


def exceeds(path: str, other: str) -> Predicate:
    """Both keys are given, and the first is the larger number: no JSON schema can say so."""

    def holds(fields: Fields) -> bool:
        one, two = look_up(fields, path), look_up(fields, other)
        return isinstance(one, int) and isinstance(two, int) and one > two

    return Predicate(holds, {"not": {}})


def matches(path: str, pattern: str) -> Predicate:
    """The key is given, and all of its text matches."""

    def holds(fields: Fields) -> bool:
        found = look_up(fields, path)
        return isinstance(found, str) and re.fullmatch(pattern, found, re.ASCII) is not None

    return Predicate(holds, _at(path, {"type": "string", "pattern": f"^(?:{pattern})$"}))


def same(path: str, other: str) -> Predicate:
    """Both keys are given, with the same value: no JSON schema can say so."""

    def holds(fields: Fields) -> bool:
        found = look_up(fields, path)
        return found is not None and found == look_up(fields, other)

    return Predicate(holds, {"not": {}})


def overlap(path: str, other: str) -> Predicate:
    """Both are mappings, with a name in common: no JSON schema can say so."""

    def holds(fields: Fields) -> bool:
        one, two = look_up(fields, path), look_up(fields, other)
        return isinstance(one, Mapping) and isinstance(two, Mapping) and not one.keys().isdisjoint(two.keys())

    return Predicate(holds, {"not": {}})


def negation(of: Predicate) -> Predicate:
    """The other one does not hold."""
    return Predicate(lambda fields: not of.holds(fields), {"not": of.schema})


def any_of(*predicates: Predicate) -> Predicate:
    """One of them holds at least."""
    return Predicate(
        lambda fields: any(one.holds(fields) for one in predicates), {"anyOf": [one.schema for one in predicates]}
    )


def all_of(*predicates: Predicate) -> Predicate:
    """All of them hold."""
    return Predicate(
        lambda fields: all(one.holds(fields) for one in predicates), {"allOf": [one.schema for one in predicates]}
    )


@dataclass(frozen=True, kw_only=True)
class Condition:
    """If something holds, a key is refused, or has to be given."""

    when: Predicate
    then: Literal["refused", "required"]
    path: str
    """The key."""
    cause: str
    remedy: str

    def broken(self, fields: Fields) -> bool:
        """Whether the keys that are given break it."""
        wanted = self.then == "required"
        return self.when.holds(fields) and given(self.path).holds(fields) != wanted

    def schema(self) -> Schema:
        """A JSON schema which says the same, in the same words where an editor shows them."""
        if self.then == "required":
            return {"if": self.when.schema, "then": given(self.path).schema}
        above, _, name = self.path.rpartition(".")
        refused = {"properties": {name: False}, "errorMessage": f"{self.path} {self.cause}; {self.remedy}"}
        return {"if": self.when.schema, "then": _at(above, refused, required=False) if above else refused}


def look_up(fields: Fields, path: str) -> object:
    """The value at the path, or None."""
    found: object = fields
    for name in path.split("."):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def _at(path: str, schema: Schema, *, required: bool = True) -> Schema:
    """The schema for what is at the path, which has to be there if it is required."""
    for name in reversed(path.split(".")):
        schema = {"properties": {name: schema}, **({"required": [name]} if required else {})}
    return schema


def broken(conditions: tuple[Condition, ...], fields: Fields) -> Iterator[Condition]:
    """The conditions that the keys which are given break."""
    return (condition for condition in conditions if condition.broken(fields))
