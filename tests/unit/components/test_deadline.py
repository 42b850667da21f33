import threading

import pytest

from components.deadline import call_within


def test_result_is_handed_over() -> None:
    assert call_within(60, lambda: 7) == 7


def test_error_is_raised_where_the_function_was_called() -> None:
    with pytest.raises(ZeroDivisionError):
        call_within(60, lambda: 1 // 0)


def test_function_that_takes_too_long_is_given_up() -> None:
    never = threading.Event()
    try:
        with pytest.raises(TimeoutError, match=r"no reply within 0\.1 s"):
            call_within(0.1, never.wait)
    finally:
        never.set()
