"""One limit of time over all that a function waits for. No Pulumi here."""

import threading
from collections.abc import Callable
from typing import TypeVar

Result = TypeVar("Result")


def call_within(seconds: float, function: Callable[[], Result]) -> Result:
    """What the function gives or raises; TimeoutError if it takes longer.

    The timeout of a socket starts anew with every byte, so that a server which drips may hold a caller for as long as
    it likes. A function that was given up goes on in a thread that ends with the process at the latest.
    """
    results: list[Result] = []
    errors: list[BaseException] = []

    def call() -> None:
        try:
            results.append(function())
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    thread.join(seconds)
    if errors:
        raise errors[0]
    if not results:
        raise TimeoutError(f"no reply within {seconds:g} s")
    return results[0]
