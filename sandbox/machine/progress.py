"""One line for each thing the sandbox does, and signs of life while a long one lasts."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

TICK = 30.0
"""Seconds between two signs of life."""


@contextmanager
def step(doing: str, done: str, what: str, *, expected: str = "") -> Iterator[None]:
    """Print that `what` begins (`doing`: "builds"), every half minute that it goes on, and that it is `done` ("built").

    `expected` is how long it takes as a rule; a step without it is short, and printed when done only. If the block
    fails nothing more is printed: the error is the next line.
    """
    begun = time.monotonic()
    over = threading.Event()

    def live() -> None:
        while not over.wait(TICK):
            note(doing, what, f"{duration(time.monotonic() - begun)} so far")

    if expected:
        note(doing, what, f"({expected})")
    ticker = threading.Thread(target=live, daemon=True)
    ticker.start()
    try:
        yield
    finally:
        over.set()
        ticker.join()
    note(done, what, duration(time.monotonic() - begun))


def note(word: str, what: str, remark: str = "") -> None:
    """Print one line in the columns of `step`."""
    # In one write: steps of several threads do not mix in a line.
    print(f"{f'{word:<10}{what:<46}  {remark}'.rstrip()}\n", end="", flush=True)


def duration(seconds: float) -> str:
    """Seconds as people say them: `0.4 s`, `12 s`, `3 min 02 s`."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"
