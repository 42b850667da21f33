"""Files of variables as compose reads them (compose specification: Env_file format; compose-go: dotenv). Pure."""

import re
from collections import ChainMap
from collections.abc import Mapping
from dataclasses import dataclass, field

from components.compose.interpolation import CLOSE, OPEN, interpolate

_NAME = re.compile(r"(?:export[^\S\n]+)?([^=:\n]*)([=:]?)")
_ALLOWED = re.compile(r"[\w.\-\[\]]+")
_ESCAPE = re.compile(r"\\(?:([abfnrtv$\"\\])|0([0-7]{3}))")
_ESCAPES = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "$": "$$"}


def parse(text: str, variables: Mapping[str, str], before: Mapping[str, str], *, raw: bool = False) -> dict[str, str]:
    """The variables of a file; one with a name alone is taken from `variables`, or left out if it is not there.

    A value may use `variables`, and then those of lines above and `before`. `raw` takes each value as it is.
    ValueError or InterpolationError with what is wrong.
    """
    text = text.removeprefix("\ufeff").replace("\r\n", "\n")
    if OPEN in text or CLOSE in text:
        raise ValueError("holds a character of Unicode's private use")
    return _raw(text, variables) if raw else _Parser(text=text, variables=variables, before=before).parse()


def _raw(text: str, variables: Mapping[str, str]) -> dict[str, str]:
    found = {}
    for number, line in enumerate(text.split("\n"), 1):
        name, mark, value = line.lstrip().partition("=")
        if not line.strip() or name.startswith("#"):
            continue
        if not name or re.search(r"\s", name):
            raise ValueError(f"has no NAME=VALUE in line {number}")
        if mark:
            found[name] = value
        elif name in variables:
            found[name] = variables[name]
    return found


@dataclass(kw_only=True)
class _Parser:
    text: str
    variables: Mapping[str, str]
    before: Mapping[str, str]
    position: int = 0
    found: dict[str, str] = field(default_factory=dict)

    def parse(self) -> dict[str, str]:
        while (start := re.compile(r"(?:\s|#[^\n]*)*").match(self.text, self.position)) and start.end() < len(
            self.text
        ):
            self.position = start.end()
            self._statement()
        return self.found

    def _statement(self) -> None:
        line = self.text.count("\n", 0, self.position) + 1
        given = _NAME.match(self.text, self.position)
        name = given[1].strip() if given else ""
        if given is None or not _ALLOWED.fullmatch(name):
            raise ValueError(f"has no NAME=VALUE in line {line}")
        self.position = given.end()
        if given[2]:
            self.found[name] = self._value(line)
        elif name in self.variables:
            self.found[name] = self.variables[name]

    def _value(self, line: int) -> str:
        while self.text[self.position : self.position + 1] in {" ", "\t"}:
            self.position += 1
        quote = self.text[self.position : self.position + 1]
        if quote not in {"'", '"'}:
            rest, _, _ = self.text[self.position :].partition("\n")
            self.position += len(rest)
            return self._resolved(rest.partition(" #")[0].rstrip())
        closed = re.compile(rf"{quote}((?:[^{quote}\\]|\\.)*){quote}", re.DOTALL).match(self.text, self.position)
        if closed is None:
            raise ValueError(f"has a quote that is not closed in line {line}")
        # What stands behind it is the next statement.
        self.position = closed.end()
        inside = closed[1].replace(f"\\{quote}", quote)
        return inside if quote == "'" else self._resolved(_ESCAPE.sub(_unescaped, inside))

    def _resolved(self, text: str) -> str:
        return interpolate(text, ChainMap(dict(self.variables), self.found, dict(self.before)))


def _unescaped(escape: re.Match[str]) -> str:
    return chr(int(escape[2], 8)) if escape[2] else _ESCAPES.get(escape[1], escape[1])
