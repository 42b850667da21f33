"""One thing that was looked at."""

import argparse

from ops import cli as tools

Check = tuple[bool | None, str]
"""Whether it holds (None: nothing that holds or does not, only to be read), and what was looked at."""


def holds(where: str, body: str, arguments: argparse.Namespace) -> Check:
    """Whether an answer has the text that it has to hold, if there is one."""
    if arguments.expect is None:
        return True, where
    held = arguments.expect in body
    return held, f"{where} with {arguments.expect!r}" + ("" if held else ", but the answer does not hold it")


def why(stderr: str) -> str:
    """The last line of what a failed command printed, to be appended."""
    return f", but: {tools.last_line(stderr)}"
