"""The engine, as a plugin sees it: the process that has started it."""

import os
import select
import signal

_LOOK_SECONDS = 1
"""How often a plugin looks whether the engine is still there: one that is killed ends none of its plugins."""


def wait_for_end(starter: int) -> None:
    """Returns once the process with this pid is no longer the parent; a signal is handled as soon as it comes.

    The kernel may give a signal to any thread. Python handles it in the main one, which sleeps on unless something
    wakes it (signal.set_wakeup_fd): the engine waits for a plugin that it has interrupted.
    """
    woken, waker = os.pipe()
    os.set_blocking(waker, False)
    signal.set_wakeup_fd(waker)
    while os.getppid() == starter:
        select.select([woken], [], [], _LOOK_SECONDS)
