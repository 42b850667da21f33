import base64

import pytest

from tests.support.project import leaks

SECRET = "canary-0123456789"


@pytest.mark.parametrize("before", ["", "a", "ab", "abc", "abcd"])
@pytest.mark.parametrize("after", ["", "z", "yz"])
def test_a_leak_is_found_in_clear_and_inside_of_any_base64(before: str, after: str) -> None:
    text = f"{before}{SECRET}{after}"
    assert leaks(SECRET, text)
    assert leaks(SECRET, f"x{base64.b64encode(text.encode()).decode()}y")


def test_another_text_is_no_leak() -> None:
    assert not leaks(SECRET, "canary-9876543210" + base64.b64encode(b"canary-9876543210").decode())
