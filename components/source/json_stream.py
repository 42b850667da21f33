"""JSON, as kubectl reads it, in the form in which YAML means the same. Pure."""

import json
import re

_DECODER = json.JSONDecoder(parse_int=str, parse_float=str)
_SPACE = re.compile(r"[ \t\r\n]*")
_ESCAPE = re.compile(
    r"\\(?:u(?P<high>[dD][89abAB][0-9a-fA-F]{2})\\u(?P<low>[dD][c-fC-F][0-9a-fA-F]{2})|u[dD][89a-fA-F][0-9a-fA-F]{2}|.)",
    re.DOTALL,
)


def as_yaml(text: str) -> str:
    """The text as it is, unless it is JSON: objects one after another, each a document from its own line on."""
    if not text.lstrip().startswith("{"):
        return text
    starts = _starts(text)
    if starts is None:
        return text
    parts = [text[start:end] for start, end in zip([0, *starts], [*starts, None], strict=True)]
    return _ESCAPE.sub(_character, "--- ".join(parts))


def _starts(text: str) -> list[int] | None:
    """Where the line of each object but the first one starts; None if it is no JSON, or one has no line of its own."""
    starts: list[int] = []
    end = 0
    while (start := _end_of_space(text, end)) < len(text):
        line = text.rfind("\n", end, start) + 1
        if end and not line:
            return None
        if end:
            starts.append(line)
        try:
            _, end = _DECODER.raw_decode(text, start)
        except (ValueError, RecursionError):
            return None
    return starts


def _end_of_space(text: str, start: int) -> int:
    space = _SPACE.match(text, start)
    return space.end() if space else start


def _character(escape: re.Match[str]) -> str:
    """A surrogate pair as the character that it stands for, and one by itself as what Go makes of it."""
    if escape["high"]:
        return chr(0x10000 + ((int(escape["high"], 16) - 0xD800) << 10) + int(escape["low"], 16) - 0xDC00)
    return "\N{REPLACEMENT CHARACTER}" if len(escape[0]) > 2 else escape[0]
