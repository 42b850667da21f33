"""What a run leaves behind if it is cancelled, by Ctrl-C or by the engine: nothing, and no traceback.

The engine interrupts a program if any resource fails, too, and kills it five seconds later.
"""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

_SIGNALS = tuple(one for one in signal.Signals if one.name in {"SIGINT", "SIGTERM", "SIGHUP"})
_SECONDS = 3.0
"""What all actions may take."""

_actions: list[Callable[[], object]] = []


def install() -> None:
    """From here on a signal that ends this process has it run the actions first.

    One that it was started to ignore stays ignored, as SIGHUP below nohup; but not that of the engine.
    """
    for number in _SIGNALS:
        if number == signal.SIGINT or signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _end)


def register(action: Callable[[], object]) -> None:
    """Has an action run if this process is ended by a signal: it removes what others could find, or ends what runs."""
    _actions.append(action)


def unregister(action: Callable[[], object]) -> None:
    """There is nothing left for it to do."""
    with suppress(ValueError):
        _actions.remove(action)


@contextmanager
def registered(action: Callable[[], object]) -> Iterator[None]:
    """Has it run if the process is ended within the block."""
    register(action)
    try:
        yield
    finally:
        unregister(action)


def _end(number: int, _: FrameType | None) -> None:
    for one in _SIGNALS:
        # The next signal ends it at once.
        if signal.getsignal(one) is _end:
            signal.signal(one, signal.SIG_DFL)
    # Beside this thread, which may be anywhere, and hold what an action needs.
    cleaning = threading.Thread(target=_clean, daemon=True)
    cleaning.start()
    cleaning.join(_SECONDS)
    os.kill(os.getpid(), number)


def _clean() -> None:
    for action in reversed(list(_actions)):
        with suppress(Exception):
            action()
