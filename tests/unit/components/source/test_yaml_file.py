import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from components.source.source_error import SourceError
from components.source.yaml_file import documents

pytestmark = pytest.mark.usefixtures("no_garbage_collection")

_TEXT = """\
# a manifest
kind: Pod
mode: 0644
shared: &shared
  on: 22:22
  day: 2020-01-01
  quoted: "12"
  tagged: !!str 12
list: [1_000, 0x1F, -1.5e3, ~, yes]
copy:
  <<: *shared
  day: other
---
---
second: document
"""


def test_scalars_are_read_as_go_yaml_reads_them() -> None:
    value = documents(_TEXT, "f.yml", "yaml 1.1")[0].value

    assert value["mode"] == 0o644
    assert value["shared"] == {"true": "22:22", "day": "2020-01-01", "quoted": "12", "tagged": "12"}
    assert value["list"] == [1000, 31, -1500.0, None, True]


def test_docker_compose_reads_yes_and_on_as_texts() -> None:
    value = documents(_TEXT, "f.yml", "yaml 1.2")[0].value

    assert value["list"][-1] == "yes"
    assert "on" in value["shared"]


def test_a_merged_mapping_is_overridden_by_the_keys_beside_it() -> None:
    assert documents(_TEXT, "f.yml", "yaml 1.2")[0].value["copy"] == {
        "on": "22:22",
        "day": "other",
        "quoted": "12",
        "tagged": "12",
    }


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("12e4567", "12e4567"),
        ("-1e999", "-1e999"),
        ("1e308", 1e308),
        ("1_000.5", 1000.5),
        ("1_0e1_0", 1e11),
        ("._5", "._5"),
        ("_5", "_5"),
        ("\u0661", "\u0661"),
        ("1_000", 1000),
        ("9223372036854775807", 2**63 - 1),
        ("-9223372036854775808", -(2**63)),
        ("18446744073709551615", 2**64 - 1),
        ("18446744073709551616", 2.0**64),
        ("-9223372036854775809", -(2.0**63)),
        ("0x1FFFFFFFFFFFFFFFF", "0x1FFFFFFFFFFFFFFFF"),
        ("9" * 5000, "9" * 5000),
        ("0" + "7" * 5000, "0" + "7" * 5000),
        ("0.5", 0.5),
        ("0b101", 5),
        ("-0o17", -15),
        ("0899", 899.0),
    ],
)
def test_numbers_are_those_of_go_yaml_and_what_is_beyond_them_a_text(text: str, value: object) -> None:
    [document] = documents(f"a: {text}\n", "f", "yaml 1.1")
    assert document.value == {"a": value}
    assert type(document.value["a"]) is type(value)


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("2.0", "2"),
        ("1e3", "1000"),
        ("1e6", "1e+06"),
        ("123456.0", "123456"),
        ("1234567.0", "1.234567e+06"),
        ("0.1", "0.1"),
        ("-1.50", "-1.5"),
        ("0.00001", "1e-05"),
        ("0.0001", "0.0001"),
        ("16777217.0", "1.6777216e+07"),
        ("0.0", "0"),
        ("-0.0", "-0"),
        ("1e300", ".inf"),
        ("12e4567", "12e4567"),
        ("0x10", "16"),
        ("1_0", "10"),
    ],
)
def test_a_number_as_a_key_is_the_text_that_kubectl_makes_of_it(key: str, name: str) -> None:
    [document] = documents(f"{key}: x\n", "f", "yaml 1.1")
    assert list(document.value) == [name]


def test_documents_without_content_are_left_out_and_lines_count_from_the_file() -> None:
    found = documents(_TEXT, "f.yml", "yaml 1.1")

    assert [document.value for document in found[1:]] == [{"second": "document"}]
    assert found[1].where("second") == "f.yml:15"


@pytest.mark.parametrize(
    ("path", "line"),
    [(("mode",), 3), (("shared", "day"), 6), (("copy", "day"), 12), (("copy", "quoted"), 7), (("list", 2, "x"), 9)],
)
def test_the_line_of_a_value_is_that_of_its_key_or_of_what_it_would_be_in(
    path: tuple[str | int, ...], line: int
) -> None:
    assert documents(_TEXT, "f.yml", "yaml 1.1")[0].where(*path) == f"f.yml:{line}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: b: c", "f:1 is no YAML"),
        ("a: 1\nb: [1", "f:2 is no YAML"),
        ("a: 1\nb: [1\n", "f:2 is no YAML"),
        ("a: 1\nb: 'text\n\n\n", "f:2 is no YAML"),
        ("a: 1\nenv: [{name: A\n", "f:2 is no YAML"),
        ("a: 1\nenv", "f:2 is no YAML"),
        ("a: \x00", "f:1 has the character U+0000"),
        ("a: 1\nb: \x1b[0m\nc: 2", "f:2 has the character U+001B, which YAML does not take; take it out"),
        ("a: 1\r\nb: \ufffe", "f:2 has the character U+FFFE"),
        ("a: 1\na: 2", "f:2 has the key 'a' twice"),
        ("a: &x [*x]", "refers to itself"),
        ("a: &x\n  <<: *x", "refers to itself"),
        ("a:\n  b: !foo 1", "f:2 has the tag !foo"),
        ("a: !!int x", "f:1 is 'x', which is no int"),
        ("? [1]\n: 2", "a key that is no text"),
        ("<<: 1", "merges something that is no mapping"),
        ("a: " + "[" * 150 + "]" * 150, "nested more than"),
        (
            "a: &a [1,1,1,1,1,1,1,1,1,1]\n"
            + "".join(
                f"{new}: &{new} [{','.join([f'*{old}'] * 10)}]\n" for old, new in zip("abcdef", "bcdefg", strict=True)
            ),
            "makes more than",
        ),
    ],
)
def test_what_is_no_such_yaml_is_one_sentence_with_its_line(text: str, message: str) -> None:
    with pytest.raises(SourceError) as refused:
        documents(text, "f", "yaml 1.2")
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


_PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(_PLAIN)
def test_what_is_written_as_yaml_is_read_again(value: object) -> None:
    # JSON-like quoting: plain scalars are another matter, which PyYAML and go-yaml read in ways of their own.
    text = yaml.safe_dump(value, default_style='"', allow_unicode=False)
    found = documents(text, "f", "yaml 1.2")

    assert [document.value for document in found] == ([] if value is None else [value])


@given(st.text())
def test_any_text_is_read_or_refused_in_a_sentence(text: str) -> None:
    def lines() -> list[int]:
        try:
            return [document.lines[()] for document in documents(text, "f", "yaml 1.1")]
        except SourceError:
            return [1]

    assert all(line >= 1 for line in lines())
