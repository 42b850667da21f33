"""Files of variables as compose reads them (compose specification: Env_file format; compose-go: dotenv). Pure."""

import re
from collections import ChainMap
from collections.abc import Mapping
from dataclasses import dataclass

from components.compose.interpolation import CLOSE, OPEN, interpolate

_BLANK = re.compile(r"(?:\s|#[^\n]*)*")
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
    if raw:
        return _raw(text, variables)
    found: dict[str, str] = {}
    known = ChainMap(dict(variables), found, dict(before))
    return _Parser(text=text, variables=variables, known=known, found=found).parse()


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


@dataclass(frozen=True, kw_only=True)
class _Parser:
    text: str
    variables: Mapping[str, str]
    known: Mapping[str, str]
    """What a value may use: it has those that are found."""
    found: dict[str, str]

    def parse(self) -> dict[str, str]:
        position = self._start(0)
        while position < len(self.text):
            position = self._start(self._statement(position))
        return self.found

    def _start(self, position: int) -> int:
        """Where the next statement starts, behind blanks and comments."""
        blank = _BLANK.match(self.text, position)
        return blank.end() if blank else position

    def _statement(self, position: int) -> int:
        """Reads the statement there; where it ends."""
        line = self.text.count("\n", 0, position) + 1
        given = _NAME.match(self.text, position)
        name = given[1].strip() if given else ""
        if given is None or not _ALLOWED.fullmatch(name):
            raise ValueError(f"has no NAME=VALUE in line {line}")
        if given[2]:
            self.found[name], end = self._value(given.end(), line)
            return end
        if name in self.variables:
            self.found[name] = self.variables[name]
        return given.end()

    def _value(self, position: int, line: int) -> tuple[str, int]:
        """The value there, and where it ends."""
        while self.text[position : position + 1] in {" ", "\t"}:
            position += 1
        quote = self.text[position : position + 1]
        if quote not in {"'", '"'}:
            rest, _, _ = self.text[position:].partition("\n")
            return interpolate(rest.partition(" #")[0].rstrip(), self.known), position + len(rest)
        closed = re.compile(rf"{quote}((?:[^{quote}\\]|\\.)*){quote}", re.DOTALL).match(self.text, position)
        if closed is None:
            raise ValueError(f"has a quote that is not closed in line {line}")
        # What stands behind it is the next statement.
        inside = closed[1].replace(f"\\{quote}", quote)
        value = inside if quote == "'" else interpolate(_ESCAPE.sub(_unescaped, inside), self.known)
        return value, closed.end()


def _unescaped(escape: re.Match[str]) -> str:
    return chr(int(escape[2], 8)) if escape[2] else _ESCAPES.get(escape[1], escape[1])
