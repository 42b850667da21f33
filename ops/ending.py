"""A command that is ended by a signal leaves nothing behind: it is left as by an error, and what it has made goes."""

import signal

SIGNALS = tuple(one for one in signal.Signals if one.name in {"SIGTERM", "SIGHUP"})
"""What ends a job, and what is in a terminal that is closed. Ctrl-C is KeyboardInterrupt already."""
INTERRUPTED = 128 + signal.SIGINT
"""The exit code of a command that Ctrl-C has ended, as a shell reports it."""


def leave_when_ended() -> None:
    """From here on, a signal that ends this process has it leave every block that it is in.

    One that it was started to ignore stays ignored, as SIGHUP below nohup.
    """
    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, leave)


def leave(number: int, _: object = None) -> None:
    """Leaves with the exit code that a shell reports for the signal."""
    raise SystemExit(128 + number)
