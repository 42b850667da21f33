"""Waiting: for a condition, and for parts that run at the same time."""

import threading
import time
from collections.abc import Callable
from queue import SimpleQueue


def wait(condition: Callable[[], bool], seconds: float) -> bool:
    """Wait until the condition holds, for at most `seconds`; whether it did."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def run_parallel(*parts: Callable[[], object]) -> None:
    """Run all parts at the same time and return when all are done; the first error is raised at once.

    So is an interruption. Nothing waits for the other parts then, so what they do must bear being cut off.
    """
    ends: SimpleQueue[BaseException | None] = SimpleQueue()

    def run(part: Callable[[], object]) -> None:
        try:
            part()
        except BaseException as error:
            ends.put(error)
        else:
            ends.put(None)

    for part in parts:
        threading.Thread(target=run, args=(part,), daemon=True).start()
    for _ in parts:
        error = ends.get()
        if error:
            raise error
