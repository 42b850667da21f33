"""What a container, a host or a server says, as text that can be shown in a terminal and in a job's log. Pure."""

import re
from collections.abc import Iterable

MOST_CHARACTERS = 500
"""Of one line; a log may hold a line of a megabyte."""

# ECMA-48: control sequences (CSI), then strings up to their terminator (DCS, SOS, OSC, PM, APC), then short escapes.
_ESCAPES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"
    r"|(?:\x1b[PX\]^_]|[\x90\x98\x9d\x9e\x9f])[^\r\n]*?(?:\x1b\\|[\x07\x9c]|(?=[\r\n])|\Z)"
    r"|\x1b[ -/]*[0-~]"
)
# GitLab: custom collapsible sections of a job log.
_SECTION = re.compile(r"section_(?:start|end):[0-9]+:[A-Za-z0-9_.-]+(?:\[[^\]\r\n]*\])?\r?")


def printable(text: str) -> str:
    """The text as one line without escape sequences, section markers of GitLab's job log, or invisible characters."""
    plain = _SECTION.sub("", _ESCAPES.sub("", text))
    shown = "".join(character if character.isprintable() else " " for character in plain).strip()
    return shown if len(shown) <= MOST_CHARACTERS else f"{shown[: MOST_CHARACTERS - 3]}..."


def printable_lines(text: str) -> list[str]:
    """Each line of the text that shows anything."""
    return [
        shown for line in re.split(r"[\r\n]+", _SECTION.sub("", _ESCAPES.sub("", text))) if (shown := printable(line))
    ]


def without_secrets(text: str, secrets: Iterable[str]) -> str:
    """The text with `[secret]` in place of each secret, and of each line of a secret of several lines.

    A line of less than four characters is left: it would make any text unreadable, and is no secret.
    """
    lines = {line.strip() for secret in secrets for line in (secret, *secret.splitlines(), printable(secret))}
    for line in sorted(lines, key=len, reverse=True):
        if len(line) >= 4:
            text = text.replace(line, "[secret]")
    return text
