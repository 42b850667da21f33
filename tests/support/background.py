"""What goes on beside a block of a test, in a thread of its own."""

import threading
from types import TracebackType
from typing import Self


class Background:
    """Runs `_run` from the start of the block to its end, which `_end` tells it."""

    def __init__(self) -> None:
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end.set()
        self._thread.join()

    def _run(self) -> None:
        raise NotImplementedError
