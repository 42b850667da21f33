"""What a run leaves behind if it is cancelled, by Ctrl-C or by the engine: nothing, and no traceback.

The engine interrupts a program if any resource fails, too, and kills it within five seconds, or at once if nothing else
goes on.
"""

import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from types import FrameType

_SIGNALS = tuple(one for one in signal.Signals if one.name in {"SIGINT", "SIGTERM", "SIGHUP"})
_SECONDS = 3.0
"""What all actions may take."""
_MAKING_SECONDS = 1.0
"""How long what is being made is waited for."""

_actions: list[Callable[[], object]] = []
_removals: list[Callable[[], object]] = []


class _Making:
    """Whether something is being made now, by which thread, and what came meanwhile."""

    lock = threading.Lock()
    thread: int | None = None
    signal: int | None = None
    is_over = False


def install() -> None:
    """From here on a signal that ends this process has it run the actions first.

    One that it was started to ignore stays ignored, as SIGHUP below nohup; but not that of the engine.
    """
    for number in _SIGNALS:
        if number == signal.SIGINT or signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _end)


def register(action: Callable[[], object]) -> None:
    """Has an action run if this process is ended by a signal: it ends what runs."""
    _actions.append(action)


def register_removal(removal: Callable[[], object]) -> None:
    """Has what others could find removed first of all if this process is ended by a signal: it may be killed soon.

    It needs nothing that another thread may hold.
    """
    _removals.append(removal)


def unregister(action: Callable[[], object]) -> None:
    """There is nothing left for it to do."""
    with suppress(ValueError):
        _actions.remove(action)


@contextmanager
def making() -> Iterator[None]:
    """For what makes a file or folder and registers its removal: nothing is removed between the two.

    Once a signal has come nothing is made any more: the thread waits for the end of the process.
    """
    try:
        with _Making.lock:
            if _Making.is_over:
                threading.Event().wait()
            _Making.thread = threading.get_ident()
            try:
                yield
            finally:
                _Making.thread = None
    finally:
        if _Making.signal is not None and threading.current_thread() is threading.main_thread():
            _end(_Making.signal, None)


@contextmanager
def removed(removal: Callable[[], object]) -> Iterator[None]:
    """Has it run if the process is ended within the block."""
    register_removal(removal)
    try:
        yield
    finally:
        _removals.remove(removal)


def _end(number: int, _: FrameType | None) -> None:
    if _Making.thread == threading.get_ident():
        # It interrupts the block of `making`, which comes back to it.
        _Making.signal = number
        return
    for one in _SIGNALS:
        # The next signal ends it at once.
        if signal.getsignal(one) is _end:
            signal.signal(one, signal.SIG_DFL)
    is_held = _Making.lock.acquire(timeout=_MAKING_SECONDS)
    _Making.is_over = True
    if is_held:
        _Making.lock.release()
    _run(_removals)
    # Beside this thread, which may be anywhere, and hold what an action needs.
    cleaning = threading.Thread(target=_run, args=(_actions,), daemon=True)
    cleaning.start()
    cleaning.join(_SECONDS)
    os.kill(os.getpid(), number)


def _run(actions: Sequence[Callable[[], object]]) -> None:
    for action in reversed(list(actions)):
        with suppress(Exception):
            action()
