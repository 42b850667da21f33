import pytest

from components.compose import values
from components.compose.interpolation import mark


@pytest.mark.parametrize(
    ("text", "expected"),
    [("1m30s", "1m30s"), ("90s", "1m30s"), ("500ms", "500ms"), ("2h", "2h0m0s"), ("1d", "24h0m0s"), ("1.5s", "1.5s")],
)
def test_durations_are_written_as_go_does(text: str, expected: str) -> None:
    assert values.go_duration(text) == expected


@pytest.mark.parametrize("value", ["", "10", "1 m", "m", 10, None])
def test_what_is_no_duration_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="is no duration"):
        values.go_duration(value)


@pytest.mark.parametrize(
    ("value", "expected"), [("64m", 64), ("1g", 1024), ("1.5gb", 1536), ("512MiB", 512), (2**20, 1), ("2048k", 2)]
)
def test_amounts_of_memory_are_whole_mebibytes(value: object, expected: int) -> None:
    assert values.mebibytes(value) == expected


@pytest.mark.parametrize("value", ["a", "1x", "", None, 1000, "1k", True])
def test_other_amounts_are_refused(value: object) -> None:
    with pytest.raises(ValueError, match="is no "):
        values.mebibytes(value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("postgres -c 'a b' \"c d\"", ("postgres", "-c", "a b", "c d")),
        ("sh -c \"echo '#'\" # no comment", ("sh", "-c", "echo '#'", "#", "no", "comment")),
        ("a\\ b", ("a b",)),
        ('sh -c "echo \\$HOME"', ("sh", "-c", "echo $HOME")),
        ("printf 'a\\nb' \"a\\nb\"", ("printf", "a\\nb", "anb")),
        ("a '' \"\"b", ("a", "", "b")),
        (f"--password={mark('P')}", (f"--password={mark('P')}",)),
        ("", ()),
    ],
)
def test_a_command_is_taken_apart_into_words(text: str, expected: tuple[str, ...]) -> None:
    assert values.words(text) == expected


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("echo 'a", "not closed"),
        ("echo a\\", "ends with a backslash"),
        *((f"a {character} b", "means something to a shell") for character in ";&|<>()`"),
    ],
)
def test_a_command_that_compose_does_not_run_as_it_stands_is_refused(text: str, cause: str) -> None:
    with pytest.raises(ValueError, match=cause):
        values.words(text)
