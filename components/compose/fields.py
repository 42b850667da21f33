"""Typed access to a mapping of a compose file: what is of the wrong type is a problem with its line. Pure."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from components.compose.source import Source
from components.source.go_number import as_text
from components.source.yaml_file import Path

_TRUE, _FALSE = {"true", "1", "y", "yes", "on"}, {"false", "0", "n", "no", "off"}
"""What YAML 1.1 had for them too: compose takes it, with a warning."""


def scalar(value: object) -> str:
    """A scalar as compose writes it into a text."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return as_text(value)
    return "" if value is None else str(value)


@dataclass(frozen=True, kw_only=True)
class Fields:
    """The keys of one mapping."""

    source: Source
    path: Path
    value: Mapping[str, Any]

    @classmethod
    def of(cls, source: Source, path: Path, value: object) -> "Fields":
        """The mapping; an empty one if it is none, which is recorded unless there is no value at all."""
        if not isinstance(value, Mapping):
            if value is not None:
                source.refuse(path, "is no mapping", "correct the file")
            value = {}
        return cls(source=source, path=path, value=value)

    def __contains__(self, key: str) -> bool:
        return self.value.get(key) is not None

    def refuse(self, key: str, cause: str, remedy: str) -> None:
        """Records a problem of a key."""
        self.source.refuse((*self.path, key), cause, remedy)

    def only(self, known: Collection[str]) -> None:
        """Records every key that is not known here."""
        for key in self.value:
            if key not in known and not key.startswith("x-"):
                self.refuse(key, "is not known here", f"take it out; known are: {', '.join(sorted(known))}")

    def child(self, key: str) -> "Fields":
        """A mapping inside."""
        return Fields.of(self.source, (*self.path, key), self.value.get(key))

    def text(self, key: str) -> str | None:
        """A text; a number or boolean is one too."""
        value = self.value.get(key)
        if isinstance(value, Mapping | list):
            self.refuse(key, "is no text", "correct the file")
            return None
        return None if value is None else scalar(value)

    def number(self, key: str) -> int | None:
        """A whole number."""
        value = self.value.get(key)
        if value is None:
            return None
        try:
            if isinstance(value, float) and value.is_integer():
                return int(value)
            if isinstance(value, bool | Mapping | list):
                raise ValueError(key)  # noqa: TRY301, TRY004 - as any other text that is no number
            return int(scalar(value))
        except ValueError:
            self.refuse(key, "is no whole number", "correct the file")
            return None

    def boolean(self, key: str) -> bool | None:
        """True or false."""
        value = self.value.get(key)
        if value is None:
            return None
        text = "" if isinstance(value, Mapping | list) else scalar(value).lower()
        if text not in _TRUE | _FALSE:
            self.refuse(key, "is neither true nor false", "correct the file")
            return None
        return text in _TRUE

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts, or one text."""
        value = self.value.get(key)
        if value is None:
            return ()
        items = value if isinstance(value, list) else [value]
        if any(isinstance(item, Mapping | list) for item in items):
            self.refuse(key, "is no list of texts", "correct the file")
            return ()
        return tuple(map(scalar, items))

    def items(self, key: str) -> Iterator[tuple[int, Any]]:
        """The items of a list, with their numbers."""
        value = self.value.get(key)
        if value is not None and not isinstance(value, list):
            self.refuse(key, "is no list", "correct the file")
            return
        yield from enumerate(value or ())

    def pairs(self, key: str) -> dict[str, str | None]:
        """A mapping, or a list of NAME=VALUE; None for a name alone."""
        value = self.value.get(key)
        if isinstance(value, Mapping):
            if any(isinstance(item, Mapping | list) for item in value.values()):
                self.refuse(key, "has a value that is no text", "correct the file")
                return {}
            return {name: None if item is None else scalar(item) for name, item in value.items()}
        found: dict[str, str | None] = {}
        for text in self.texts(key):
            name, mark, rest = text.partition("=")
            found[name or text] = rest if name and mark else None
        return found

    def named(self, key: str) -> dict[str, "Fields"]:
        """A mapping of mappings, or a list of names."""
        value = self.value.get(key)
        if isinstance(value, list):
            return {name: Fields.of(self.source, (*self.path, key), None) for name in self.texts(key)}
        inside = self.child(key)
        return {name: inside.child(name) for name in inside.value}
