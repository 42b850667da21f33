import pytest

from components.source.go_number import as_text


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1e6, "1e+06"),
        (1234567.5, "1.2345675e+06"),
        (123456.0, "123456"),
        (1e21, "1e+21"),
        (0.0001, "0.0001"),
        (0.00001, "1e-05"),
        (1.5, "1.5"),
        (-2e7, "-2e+07"),
        (100.0, "100"),
        (0.0, "0"),
        (12345678901234567890.0, "1.2345678901234567e+19"),
    ],
)
def test_a_number_is_written_as_go_prints_it(value: float, expected: str) -> None:
    assert as_text(value) == expected
