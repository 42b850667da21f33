"""Files of variables as compose reads them (compose specification: Env_file format). Pure."""

import re
from collections.abc import Iterator, Mapping

from components.compose.interpolation import interpolate

_LINE = re.compile(r"\s*(?:export\s+)?([^\s=:#][^\s=:]*)\s*(?:([=:])\s*(.*))?", re.DOTALL)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "\\": "\\", '"': '"', "$": "$$"}


def parse(text: str, variables: Mapping[str, str], *, raw: bool = False) -> Iterator[tuple[str, str | None]]:
    """Name and value of each line, in order; None if a line has a name alone. `raw` takes a value as it is.

    ValueError or InterpolationError with what is wrong; the values of lines above count as variables.
    """
    known = dict(variables)
    lines = iter(text.removeprefix("\ufeff").splitlines())
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        found = _LINE.fullmatch(line)
        if found is None:
            raise ValueError(f"has no NAME=VALUE in line {number}")
        name, mark, rest = found.groups()
        if not mark:
            yield name, None
            continue
        value = rest if raw else _value(rest, lines, known, number)
        known[name] = value
        yield name, value


def _value(rest: str, lines: Iterator[str], variables: Mapping[str, str], number: int) -> str:
    quote = rest[:1]
    if quote not in {"'", '"'}:
        return interpolate(re.split(r"\s+#", f" {rest}", maxsplit=1)[0].strip(), variables)
    closed = re.compile(r"'([^']*)'\s*(?:#.*)?" if quote == "'" else r'"((?:[^"\\]|\\.)*)"\s*(?:#.*)?', re.DOTALL)
    while not (found := closed.fullmatch(rest)):
        following = next(lines, None)
        if following is None:
            raise ValueError(f"has a quote that is not closed in line {number}")
        rest = f"{rest}\n{following}"
    if quote == "'":
        return found[1]
    return interpolate(re.sub(r"\\(.)", lambda escape: _ESCAPES.get(escape[1], escape[0]), found[1]), variables)
