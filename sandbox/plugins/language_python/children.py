"""The processes that the host starts, so that none of them outlives it."""

import queue
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

GRACE_SECONDS = 5.0
"""How long a program has between being interrupted and being killed, as with the official host."""


class Children:
    """Every process that runs at the moment."""

    def __init__(self) -> None:
        """None yet."""
        self._running: set[subprocess.Popen[bytes]] = set()
        self._programs: set[subprocess.Popen[bytes]] = set()
        self._lock = threading.Lock()
        self._ended = False

    @contextmanager
    def run(
        self, command: Sequence[str], environment: Mapping[str, str], folder: Path | None = None, *, captured: bool
    ) -> Iterator[subprocess.Popen[bytes]]:
        """A process that is killed if it is still there after the block.

        With `captured` its output goes to pipes; without, it is a program: what it prints is the host's, and
        `interrupt` reaches it.
        """
        pipe = subprocess.PIPE if captured else None
        with self._lock:
            if self._ended:
                raise OSError("the language host ends")
            child = subprocess.Popen(
                command, env=environment, cwd=folder, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe
            )
            self._running.add(child)
            if not captured:
                self._programs.add(child)
        try:
            yield child
        finally:
            child.kill()
            child.wait()
            with self._lock:
                self._running.discard(child)
                self._programs.discard(child)

    def interrupt(self) -> None:
        """Send SIGINT to the programs, and kill those which are still there after the grace period."""
        with self._lock:
            programs = list(self._programs)
        for program in programs:
            program.send_signal(signal.SIGINT)
            timer = threading.Timer(GRACE_SECONDS, program.kill)
            timer.daemon = True
            timer.start()

    def end(self) -> None:
        """Kill them all and start no more."""
        with self._lock:
            self._ended = True
            for child in self._running:
                child.kill()


def output(child: subprocess.Popen[bytes]) -> Iterator[tuple[bool, bytes]]:
    """What a captured process prints, line by line as it comes: whether it is stderr, and the line."""
    lines: queue.SimpleQueue[tuple[bool, bytes] | None] = queue.SimpleQueue()

    def read(stream: IO[bytes], *, is_error: bool) -> None:
        for line in stream:
            lines.put((is_error, line))
        lines.put(None)

    streams = [(stream, stream is child.stderr) for stream in (child.stdout, child.stderr) if stream]
    for stream, is_error in streams:
        threading.Thread(target=read, args=(stream,), kwargs={"is_error": is_error}, daemon=True).start()
    for _ in streams:
        while (line := lines.get()) is not None:
            yield line
