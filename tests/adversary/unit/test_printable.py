import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.printable import MOST_CHARACTERS, printable, printable_lines


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("listening on :8080", "listening on :8080"),
        ("Grüße, 世界", "Grüße, 世界"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b[2J\x1b[H\x1b[8mhidden", "hidden"),
        ("\x1b]0;title\x07text", "text"),
        ("\x1b]8;;https://evil.example\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x9b31mred", "red"),
        ("\x1bPq#0\x1b\\text", "text"),
        ("\x1b]52;c;bmV2ZXIgZW5kcw==", ""),
        ("\x1bcreset", "reset"),
        ("ok\rFAIL", "ok FAIL"),
        ("a\x00b\x08c\td", "a b c d"),
        ("user\u202egnp.exe\u200b", "user gnp.exe"),
        ("section_start:1560896352:fake\r\x1b[0KPassed", "Passed"),
        ("section_end:1560896352:step_script\r\x1b[0K", ""),
        ("section_start:1:x[collapsed=true]\r\x1b[0Kheader", "header"),
    ],
)
def test_only_text_is_left(text: str, shown: str) -> None:
    assert printable(text) == shown


@given(st.text(alphabet=st.sampled_from("\x1b[]0;mKsection_start:1:a\r\n\x07\x9b\x90P\\ ü")))
def test_nothing_is_left_that_moves_a_cursor_or_opens_a_section(text: str) -> None:
    for line in (printable(text), *printable_lines(text)):
        assert line.isprintable()


def test_lines_are_kept_apart_and_long_ones_are_cut() -> None:
    assert printable_lines("one\r\n\x1b[0m\ntwo\n") == ["one", "two"]
    # What was never ended hides no more than its own line.
    assert printable_lines("\x1b]0;title\ntext") == ["text"]
    assert len(printable("x" * 10_000)) == MOST_CHARACTERS
