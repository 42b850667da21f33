"""Scalars of the compose specification: durations, amounts of bytes, commands. Pure.

Each function raises ValueError with what is wrong.
"""

import re
from fractions import Fraction

_HOUR = 3600 * 10**6
_UNITS = {"us": 1, "µs": 1, "ms": 10**3, "s": 10**6, "m": 60 * 10**6, "h": _HOUR, "d": 24 * _HOUR, "w": 168 * _HOUR}
_DURATION = re.compile(r"(?:[0-9]+(?:\.[0-9]*)?(?:us|µs|ms|s|m|h|d|w))+")
_PART = re.compile(r"([0-9.]+)(us|µs|ms|s|m|h|d|w)")
_BYTES = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([kmgt]?)i?b?", re.IGNORECASE)
_POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}
MEBIBYTE = 2**20


def milliseconds(text: object) -> int:
    """A duration such as `1m30s`."""
    if not isinstance(text, str) or not _DURATION.fullmatch(text):
        raise ValueError("is no duration such as 1m30s")
    return int(sum(Fraction(number) * _UNITS[unit] for number, unit in _PART.findall(text)) / 1000)


def go_duration(text: object) -> str:
    """A duration as Docker's provider keeps it: as Go writes it."""
    total = milliseconds(text)
    if total < 1000:
        return f"{total}ms" if total else "0s"
    hours, rest = divmod(total, 3_600_000)
    minutes, rest = divmod(rest, 60_000)
    seconds = f"{rest / 1000:.3f}".rstrip("0").rstrip(".")
    return f"{f'{hours}h' if hours else ''}{f'{minutes}m' if hours or minutes else ''}{seconds}s"


def size(text: object) -> int:
    """An amount of bytes: a number, or a text such as `64m`."""
    if isinstance(text, int) and not isinstance(text, bool):
        return text
    found = _BYTES.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise ValueError("is no amount of bytes such as 64m")
    return int(Fraction(found[1]) * 1024 ** _POWERS[found[2].lower()])


def mebibytes(text: object) -> int:
    """An amount of bytes in whole MiB, as Docker's provider takes it."""
    amount = size(text)
    if amount % MEBIBYTE:
        raise ValueError("is no whole number of MiB, which is what Docker's provider takes")
    return amount // MEBIBYTE


def words(text: str) -> tuple[str, ...]:
    """A command that is written as one text, in words as compose takes it apart: by go-shellwords, and by no shell.

    What is encrypted is part of one word. Compose leaves out what stands behind a `;`, `&`, `|`, `<` or `>`.
    """
    found: list[str] = []
    word, quote, escaped = "", "", False
    # Whether a word has begun, be it an empty one in quotes.
    begun = False
    for character in text:
        if escaped:
            word, begun, escaped = word + character, True, False
        elif character == "\\" and quote != "'":
            escaped = True
        elif quote:
            if character == quote:
                quote = ""
            else:
                word += character
        elif character in " \t\r\n":
            found += [word] * begun
            word, begun = "", False
        elif character in "'\"":
            quote, begun = character, True
        elif character in ";&|<>()`":
            raise ValueError(f"has {character!r}, which means something to a shell, and no shell reads it")
        else:
            word, begun = word + character, True
    if quote or escaped:
        raise ValueError("has a quote that is not closed, or ends with a backslash")
    return (*found, *[word] * begun)
