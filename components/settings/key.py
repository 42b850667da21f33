"""A key of the stack file: declared once, on a field of its block's dataclass. Pure: no Pulumi here.

From the declaration come reading and its problems, the check of a block that is made by hand in code, the reference
page and the JSON schema.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from components.settings.rule import Rule

if TYPE_CHECKING:
    import pulumi

    SecretText = pulumi.Input[str]
else:
    SecretText = object
"""The type of a text that may have come encrypted: then it is an Output that is marked as secret."""

Kind = Literal["text", "integer", "boolean", "choice", "texts", "map", "block"]
Secrecy = Literal["never", "may", "must"]
_MISSING = dataclasses.MISSING


@dataclass(frozen=True, kw_only=True)
class Key:
    """Everything about one key."""

    name: str
    """Its name in the stack file: the field's, in camel case."""
    field: str
    """Name of the field."""
    kind: Kind
    """Its type, from the field's annotation."""
    block: type[Any] | None
    """The dataclass of a block inside of this one."""
    required: bool
    """Whether it has to be given."""
    default: object
    """The value of the field if the key is not given."""
    default_text: str | None
    """The default in words, if it depends on other keys."""
    text: str
    """What it is for, in one sentence."""
    examples: tuple[object, ...]
    """Good values."""
    rules: tuple[Rule, ...]
    """The rules of a text: of the key itself, or of each text in its list or mapping."""
    names: tuple[Rule, ...]
    """The rules of the names in a mapping."""
    low: int
    high: int
    """The bounds of a whole number, both included."""
    choices: tuple[str, ...]
    """The words to choose from."""
    unique: bool
    """Whether a list may hold a text once only."""
    secrecy: Secrecy
    """Whether its text, or a text of its mapping, may be encrypted or has to be."""

    @property
    def is_shown(self) -> bool:
        """Whether a problem may show its value: whoever has mistaken its form may have put a secret there."""
        return self.secrecy == "never" and (self.block is None or is_shown(self.block))


_KNOWN: dict[type[Any], tuple[Key, ...]] = {}


def key(
    text: str,
    *,
    default: object = _MISSING,
    default_text: str | None = None,
    example: object = None,
    examples: tuple[object, ...] = (),
    rule: Rule | tuple[Rule, ...] = (),
    names: Rule | tuple[Rule, ...] = (),
    low: int = 0,
    high: int = 0,
    unique: bool = True,
    secrecy: Secrecy = "never",
) -> Any:  # noqa: ANN401 - it stands where the field's default stands, whatever the field's type
    """Declares the key that the field of a block stands for; see Key. Its name and type are those of the field."""
    declared = {
        "text": text,
        "default_text": default_text,
        "examples": examples or ((example,) if example is not None else ()),
        "rules": rule if isinstance(rule, tuple) else (rule,),
        "names": names if isinstance(names, tuple) else (names,),
        "low": low,
        "high": high,
        "unique": unique,
        "secrecy": secrecy,
    }
    if isinstance(default, Mapping):
        given = default
        return field(default_factory=lambda: given, metadata={"key": declared})
    return field(default=default, metadata={"key": declared})


def keys_of(block: type[Any]) -> tuple[Key, ...]:
    """The keys of a block, in the order of its fields."""
    if block not in _KNOWN:
        _KNOWN[block] = tuple(_key(declared) for declared in dataclasses.fields(block))
    return _KNOWN[block]


def is_shown(block: type[Any]) -> bool:
    """Whether a problem may show what stands in place of the block."""
    return all(key.is_shown for key in keys_of(block))


def _key(declared: dataclasses.Field[Any]) -> Key:
    kind, choices, block = _kind(declared.type)
    first, *others = declared.name.split("_")
    required = declared.default is _MISSING and declared.default_factory is _MISSING
    default = declared.default_factory() if declared.default_factory is not _MISSING else declared.default
    return Key(
        name=first + "".join(word.capitalize() for word in others),
        field=declared.name,
        kind=kind,
        block=block,
        required=required,
        default=None if required else default,
        choices=choices,
        **declared.metadata["key"],
    )


def _kind(annotation: Any) -> tuple[Kind, tuple[str, ...], type[Any] | None]:  # noqa: ANN401 - a type
    if isinstance(annotation, types.UnionType):
        (annotation,) = (part for part in typing.get_args(annotation) if part is not types.NoneType)
    origin = typing.get_origin(annotation)
    if origin is Literal:
        return "choice", typing.get_args(annotation), None
    if origin is tuple:
        return "texts", (), None
    if origin is Mapping:
        return "map", (), None
    if dataclasses.is_dataclass(annotation):
        return "block", (), typing.cast("type[Any]", annotation)
    kinds: dict[Any, Kind] = {str: "text", SecretText: "text", int: "integer", bool: "boolean"}
    return kinds[annotation], (), None
