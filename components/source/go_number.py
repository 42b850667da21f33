"""The numbers of go-yaml, which reads the files behind kubectl and docker compose. Pure."""

import math
import re
import struct
from decimal import Decimal

_FIRST = {*"0123456789+-."}
_INTEGER = re.compile(r"[-+]?(?:0[bB][01]+|0[oO]?[0-7]*|0[xX][0-9a-fA-F]+|[1-9][0-9]{0,19})")
_LARGE = 6
"""The exponent from which on a number is written with it."""
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")


def number(text: str) -> int | float | None:
    """The number that a plain scalar is; None if it is none, or beyond those of 64 bits (go-yaml: resolve.go)."""
    if text[:1] not in _FIRST:
        return None
    plain = text if text[0] == "." else text.replace("_", "")
    if _INTEGER.fullmatch(plain):
        octal = re.fullmatch(r"([-+]?)0([0-7]+)", plain)
        whole = int(f"{octal[1]}0o{octal[2]}" if octal else plain, 0)
        if -(2**63) <= whole < 2**64:
            return whole
    if not _FLOAT.fullmatch(plain):
        return None
    value = float(plain)
    return value if math.isfinite(value) else None


def as_key(value: float) -> str:
    """The number as kubectl has it where it is a key: the shortest text of its 32 bits (sigs.k8s.io/yaml: yaml.go)."""
    try:
        (single,) = struct.unpack("<f", struct.pack("<f", value))
    except OverflowError:
        return ".inf" if value > 0 else "-.inf"
    shortest = next(text for digits in range(9) if _is_same(text := f"{single:.{digits}e}", single))
    return _general(shortest)


def as_text(value: float) -> str:
    """The number where it is a text: 1e+06, 1.5, 1e-05 (fmt: %v)."""
    return _general(repr(value))


def _general(text: str) -> str:
    """The number as Go writes it, with no more digits than these (strconv: format 'g')."""
    number = Decimal(text).normalize()
    sign, digits, _ = number.as_tuple()
    exponent = number.adjusted()
    if -4 <= exponent < _LARGE:
        return f"{number:f}"
    first, *others = map(str, digits)
    return f"{'-' * sign}{first}{'.' * bool(others)}{''.join(others)}e{exponent:+03}"


def _is_same(text: str, single: float) -> bool:
    try:
        return struct.pack("<f", float(text)) == struct.pack("<f", single)
    except OverflowError:
        return False
