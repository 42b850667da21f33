"""Work that goes on beside what else a run prepares. No Pulumi here."""

import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import Generic, TypeVar

Result = TypeVar("Result")


class Beside(Generic[Result]):
    """What a function gives, which begins at once; a process that ends does not wait for it."""

    def __init__(self, function: Callable[[], Result]) -> None:
        self._given: Future[Result] = Future()
        threading.Thread(target=self._call, args=(function,), daemon=True).start()

    def ends_within(self, seconds: float) -> bool:
        """Whether it has given or raised something by then."""
        return bool(wait([self._given], seconds).done)

    def succeeds_within(self, seconds: float) -> bool:
        """Whether it has given something by then."""
        return self.ends_within(seconds) and self._given.exception() is None

    def result(self) -> Result:
        """What it gives or raises."""
        return self._given.result()

    def _call(self, function: Callable[[], Result]) -> None:
        try:
            self._given.set_result(function())
        except BaseException as error:
            self._given.set_exception(error)
