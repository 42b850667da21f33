import threading

import pytest

from components.beside import Beside


def test_it_goes_on_until_its_result_is_needed() -> None:
    begun, ends = threading.Event(), threading.Event()

    def work() -> str:
        begun.set()
        assert ends.wait(10)
        return "done"

    beside = Beside(work)
    assert begun.wait(10)
    assert not beside.ends_within(0)
    assert not beside.succeeds_within(0)
    ends.set()
    assert beside.ends_within(10)
    assert beside.succeeds_within(10)
    assert beside.result() == "done"


def test_an_error_is_raised_where_its_result_is_needed() -> None:
    def fail() -> None:
        raise ValueError("unexpected")

    beside = Beside(fail)
    assert beside.ends_within(10)
    assert not beside.succeeds_within(10)
    with pytest.raises(ValueError, match="unexpected"):
        beside.result()
