import pytest

from components.compose.dotenv import parse


def test_lines_are_read_as_compose_reads_them() -> None:
    text = (
        "\ufeff# a comment\n\nA=1\nexport B = two # comment\nC='a $A #b'\nD=\"x\\ny $A ${NO:-z}\"\nE\nF=\nG=a#b\n"
        "H: yaml\nI='one\ntwo'\nJ=\"\\$A\"\n"
    )
    assert dict(parse(text, {})) == {
        "A": "1",
        "B": "two",
        "C": "a $A #b",
        "D": "x\ny 1 z",
        "E": None,
        "F": "",
        "G": "a#b",
        "H": "yaml",
        "I": "one\ntwo",
        "J": "$A",
    }


def test_a_raw_file_is_taken_as_it_is() -> None:
    assert dict(parse("A='$B' # c\n", {}, raw=True)) == {"A": "'$B' # c"}


@pytest.mark.parametrize(("text", "cause"), [("A=1\n=b\n", "line 2"), ("A='b\nc\n", "not closed in line 1")])
def test_what_is_no_line_is_refused(text: str, cause: str) -> None:
    with pytest.raises(ValueError, match=cause):
        dict(parse(text, {}))
