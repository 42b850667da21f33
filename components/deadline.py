"""One limit of time over all that a function waits for. No Pulumi here."""

from collections.abc import Callable
from typing import TypeVar

from components.beside import Beside

Result = TypeVar("Result")


def call_within(seconds: float, function: Callable[[], Result]) -> Result:
    """What the function gives or raises; TimeoutError if it takes longer.

    The timeout of a socket starts anew with every byte, so that a server which drips may hold a caller for as long as
    it likes. A function that was given up goes on in a thread that ends with the process at the latest.
    """
    beside = Beside(function)
    if not beside.ends_within(seconds):
        raise TimeoutError(f"no reply within {seconds:g} s")
    return beside.result()
