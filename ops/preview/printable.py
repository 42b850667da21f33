"""Text of others as it can be shown in a terminal, a job log and a note. Pure."""

import json
import unicodedata

# Control, format and private characters, halves of surrogate pairs, and separators other than the space.
_ESCAPED = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs"}


def printable(text: str) -> str:
    """The text on one line, with every character that would act on a terminal or hide text written as an escape.

    GitLab's job log finds its section markers by a carriage return and an escape sequence, so that none is left either.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_escaped(character) for character in text)


def printable_lines(text: str) -> list[str]:
    """The same for a text of several lines; tabs become spaces."""
    return [printable(line).rstrip() for line in text.replace("\r\n", "\n").expandtabs(2).split("\n")]


def _escaped(character: str) -> str:
    if character != " " and unicodedata.category(character) in _ESCAPED:
        return json.dumps(character)[1:-1]
    return character
