"""What a run waits for, said while it waits: in a terminal's tree and, line by line, in the log of a job."""

import asyncio
import time
from collections.abc import Callable
from typing import Self

import pulumi

REPEATED_SECONDS = 4.0
"""So long at most nothing is said: a log that is silent looks like one of a job that hangs."""


def shown_at(resource: pulumi.Resource) -> Callable[[str], object]:
    """Shows a line beside a resource. It is not among the messages that the run ends with."""
    return lambda text: pulumi.log.info(text, resource, ephemeral=True)


class Progress:
    """Says what is waited for at once if it is something else, and again, with the seconds, as long as it is not.

    It goes on while the program waits for a server that does not answer.
    """

    def __init__(self, tell: Callable[[str], object]) -> None:
        self._tell = tell
        self._text = ""
        self._begun = time.monotonic()
        self._next: asyncio.TimerHandle | None = None

    def say(self, text: str) -> None:
        """What is waited for from now on."""
        if text != self._text:
            self._text = text
            self._tell(text)
            self._wait()

    def stop(self, text: str = "") -> None:
        """There is nothing to wait for any more; `text` is what came of it."""
        if text:
            self._tell(text)
        if self._next:
            self._next.cancel()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.stop()

    def _wait(self) -> None:
        if self._next:
            self._next.cancel()
        self._next = asyncio.get_running_loop().call_later(REPEATED_SECONDS, self._repeat)

    def _repeat(self) -> None:
        self._tell(f"{self._text} ({time.monotonic() - self._begun:.0f} s)")
        self._wait()
