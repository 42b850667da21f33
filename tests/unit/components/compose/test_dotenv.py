"""Variables of files, as compose-go reads them (dotenv/parser.go, pkg/kvfile of docker/cli)."""

import pytest

from components.compose.dotenv import parse
from components.compose.interpolation import mark
from tests.support.compose_files import problems, read


def test_lines_are_read_as_compose_reads_them() -> None:
    text = (
        "\ufeff# a comment\n\nA=1\nexport B = two # comment\nC='a $A #b'\nD=\"x\\ny $A ${NO:-z}\"\nE\nK\nF=\nG=a#b\n"
        'H: yaml\nI=\'one\ntwo\'\nJ="\\$A"\nL=#ff0000\nM= # c\nN=\'it\\\'s\'\nO="x"y\nP=a\t#b\nQ="\\0101\\q"\r\nR=1'
    )
    assert parse(text, {"K": "stack"}, {}) == {
        "A": "1",
        "B": "two",
        "C": "a $A #b",
        "D": "x\ny 1 z",
        "F": "",
        "G": "a#b",
        "H": "yaml",
        "I": "one\ntwo",
        "J": "$A",
        "K": "stack",
        "L": "#ff0000",
        "M": "# c",
        "N": "it's",
        "O": "x",
        "P": "a\t#b",
        "Q": "A\\q",
        "R": "1",
    }


def test_a_raw_file_is_taken_as_it_is() -> None:
    text = "# c\n  A='$B' # c\nLogging:Level:Default=Warning\nP= x \nK\nNO\n"
    expected = {"A": "'$B' # c", "Logging:Level:Default": "Warning", "P": " x ", "K": "stack"}
    assert parse(text, {"K": "stack"}, {}, raw=True) == expected


@pytest.mark.parametrize("raw", [False, True])
@pytest.mark.parametrize("text", ["A=1\n=b\n", "A=1\nB C=b\n"])
def test_what_is_no_line_is_refused(text: str, *, raw: bool) -> None:
    with pytest.raises(ValueError, match="line 2"):
        parse(text, {}, {}, raw=raw)


def test_a_quote_that_is_not_closed_is_refused() -> None:
    with pytest.raises(ValueError, match="not closed in line 1"):
        parse("A='b\nc\n", {}, {})


@pytest.mark.parametrize("raw", [False, True])
def test_a_file_cannot_name_an_encrypted_value(*, raw: bool) -> None:
    with pytest.raises(ValueError, match="private use"):
        parse(f"A={mark('PASSWORD')}\n", {}, {}, raw=raw)


def test_a_value_may_use_the_stack_the_service_and_what_is_above() -> None:
    text = """\
services:
  web:
    image: IMAGE
    env_file: [a.env, b.env]
    environment: {PORT: "80", HOST: service}
"""
    files = {"a.env": "DB=db\nHOST=file\nNAME=file\n", "b.env": "URL=http://$HOST:$PORT/$DB/$NAME\n"}
    web = read(text, files=files, env={"NAME": "stack"}).services["web"]
    expected = {"DB": "db", "HOST": "service", "NAME": "file", "PORT": "80", "URL": "http://service:80/db/stack"}
    assert web.environment == expected


def test_a_name_alone_that_is_not_set_is_left_out_of_a_file_alone() -> None:
    text = "services:\n  web: {image: IMAGE, env_file: a.env}\n"
    assert read(text, files={"a.env": "NO\nA=1\n"}).services["web"].environment == {"A": "1"}
    assert "names NO with no value" in problems("services:\n  web: {image: IMAGE, environment: [NO]}\n")[0]
