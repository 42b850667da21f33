"""Variables in a compose file (compose specification: Interpolation). Pure.

The values come from the stack file alone. One that is encrypted there is not known here: a mark stands for it, which is
resolved where the text is handed to Docker's provider.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

OPEN, CLOSE = "\ue000", "\ue001"
"""Around the name of an encrypted value. Private to this program (Unicode: private use); no file may have them."""
_MARK = re.compile(f"{OPEN}([^{CLOSE}]*){CLOSE}")
_NAME = re.compile(r"[_a-zA-Z][_a-zA-Z0-9]*")
_DEEPEST = 100


class InterpolationError(Exception):
    """A text that cannot be resolved: cause and remedy."""

    def __init__(self, cause: str, remedy: str) -> None:
        super().__init__(f"{cause}; {remedy}")
        self.cause, self.remedy = cause, remedy


def mark(name: str) -> str:
    """What stands for the encrypted value of this name."""
    return f"{OPEN}{name}{CLOSE}"


def names(text: str) -> set[str]:
    """The encrypted values that a text holds."""
    return set(_MARK.findall(text))


def pieces(text: str) -> Iterator[tuple[str, bool]]:
    """The text in pieces: each as it is, or the name of an encrypted value (True)."""
    for number, piece in enumerate(_MARK.split(text)):
        if piece:
            yield piece, number % 2 == 1


def filled(text: str, values: Mapping[str, str]) -> str:
    """The text with the encrypted values in it, by their names."""
    return "".join(values[piece] if is_name else piece for piece, is_name in pieces(text))


def interpolate(text: str, variables: Mapping[str, str]) -> str:
    """The text with its variables resolved; InterpolationError if one is not set, or the syntax is wrong."""
    return _Interpolation(variables=variables).resolve(text)


def less_variables(text: str) -> str:
    """The text with another character in the place of each of a `${...}`, so that what is inside separates nothing."""
    found, position = "", 0
    while (start := text.find("${", position)) >= 0:
        try:
            end = _closing(text, start + 2) + 1
        except InterpolationError:
            break
        found += text[position:start] + "_" * (end - start)
        position = end
    return found + text[position:]


def _closing(text: str, start: int) -> int:
    """Where the brace ends that was opened before `start`; braces nest, those of no variable too."""
    depth = 1
    for position in range(start, len(text)):
        if text[position] == "{":
            depth += 1
        elif text[position] == "}":
            depth -= 1
            if not depth:
                return position
    raise InterpolationError("has a '${' that is not closed", "close it, or write '$$' for the character itself")


@dataclass(frozen=True, kw_only=True)
class _Interpolation:
    variables: Mapping[str, str]
    depth: int = 0
    """How many defaults this one is in."""

    def resolve(self, text: str) -> str:
        if self.depth > _DEEPEST:
            raise InterpolationError(f"nests variables more than {_DEEPEST} deep", "nest less")
        found: list[str] = []
        position = 0
        while (dollar := text.find("$", position)) >= 0:
            found.append(text[position:dollar])
            following = text[dollar + 1 : dollar + 2]
            if following == "$":
                found.append("$")
                position = dollar + 2
            elif following == "{":
                end = _closing(text, dollar + 2)
                found.append(self._braced(text[dollar + 2 : end]))
                position = end + 1
            elif name := _NAME.match(text, dollar + 1):
                found.append(self._value(name[0]))
                position = name.end()
            else:
                raise InterpolationError("has a '$' with no name behind it", "write '$$' for the character itself")
        return "".join([*found, text[position:]])

    def _braced(self, inside: str) -> str:
        name = _NAME.match(inside)
        if name is None:
            raise InterpolationError(f"has {'${' + inside + '}'!r}, which names no variable", "name one, or write '$$'")
        rest = inside[name.end() :]
        if not rest:
            return self._value(name[0])
        operator = re.match(r":?[-?+]", rest)
        if operator is None:
            raise InterpolationError(
                f"has {'${' + inside + '}'!r}, which compose does not know", "use ${NAME}, ${NAME:-default}, ${NAME:?}"
            )
        value, word = self.variables.get(name[0]), rest[operator.end() :]
        is_set = value is not None and (value != "" or ":" not in operator[0])
        match operator[0][-1]:
            case "-":
                return value or "" if is_set else self._inner(word)
            case "+":
                return self._inner(word) if is_set else ""
            case _:
                return value or "" if is_set else self._value(name[0], self._inner(word))

    def _inner(self, word: str) -> str:
        return replace(self, depth=self.depth + 1).resolve(word)

    def _value(self, name: str, reason: str = "") -> str:
        value = self.variables.get(name)
        if value is None or reason:
            said = f" ({reason})" if reason else ""
            raise InterpolationError(
                f"takes ${name}, which is not set{said}",
                f"set gitlab-deploy:app.env.{name} or app.secrets.{name}: neither the environment of the run nor a "
                "file .env is read",
            )
        return value
