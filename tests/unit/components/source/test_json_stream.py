"""JSON is read as kubectl reads it, which is not always as YAML has it."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.source.source_error import SourceError
from components.source.yaml_file import documents

pytestmark = pytest.mark.usefixtures("no_garbage_collection")


def values(text: str) -> list[Any]:
    return [document.value for document in documents(text, "f.json", "yaml 1.1")]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (r'{"a": "\ud83d\ude00"}', "\U0001f600"),
        (r'{"a": "\uD83D\uDE00\u0041"}', "\U0001f600A"),
        (r'{"a": "\\ud83d\\ude00"}', r"\ud83d\ude00"),
        (r'{"a": "\\\ud83d\ude00"}', "\\\U0001f600"),
        (r'{"a": "\ud83d"}', "\ufffd"),
        (r'{"a": "\ud83d\ud83d\ude00"}', "\ufffd\U0001f600"),
        (r'{"a": "\ude00\u0041\/"}', "\ufffdA/"),
    ],
)
def test_escapes_of_surrogates_are_those_of_json(text: str, value: str) -> None:
    assert values(text) == [{"a": value}]


def test_objects_that_follow_each_other_are_documents_each_with_its_lines() -> None:
    found = documents('{"a": 1}\n\n{\n  "b": {"c": "}\\n{"}\n}\n\t{"d": 2}\n', "f.json", "yaml 1.1")
    assert [document.value for document in found] == [{"a": 1}, {"b": {"c": "}\n{"}}, {"d": 2}]
    assert [document.where() for document in found] == ["f.json:1", "f.json:3", "f.json:6"]
    assert found[1].where("b", "c") == "f.json:4"


@pytest.mark.parametrize("text", ['{"a": 1}\n---\n{"b": 2}\n', "{a: 1}\n---\n{b: 2}\n"])
def test_yaml_that_begins_like_json_stays_yaml(text: str) -> None:
    assert len(values(text)) == 2


def test_a_surrogate_in_yaml_is_refused_as_by_kubectl() -> None:
    with pytest.raises(SourceError, match=r"f\.json:1 is no JSON"):
        documents(r'a: "\ud83d\ude00"', "f.json", "yaml 1.1")


@pytest.mark.parametrize("text", ['{"a": 1', '{"a": 1}\n{"b": 2', '{"a": "b}', '{"a": [1,, 2]}', "{" * 5000])
def test_what_is_no_json_is_refused_without_a_word_about_indentation(text: str) -> None:
    with pytest.raises(SourceError) as refused:
        documents(text, "f.json", "yaml 1.1")
    assert "\n" not in str(refused.value)
    assert "indent" not in str(refused.value)
    assert "YAML" not in str(refused.value)


_ANY = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.text(st.characters(exclude_categories=["Cc", "Cs"])),
    lambda inner: (
        st.lists(inner, max_size=5) | st.dictionaries(st.text("ab\U0001f600é", max_size=9), inner, max_size=5)
    ),
    max_leaves=20,
)


@given(
    st.lists(st.dictionaries(st.text("ab\U0001f600", min_size=1), _ANY, min_size=1, max_size=4), min_size=1, max_size=4)
)
def test_every_stream_of_json_is_read(objects: list[dict[str, Any]]) -> None:
    for indent in (None, 2):
        assert values("\n".join(json.dumps(each, indent=indent) for each in objects)) == objects
