"""YAML of others."""

import pytest
import yaml

from ops.ops_error import OpsError
from ops.preview import yaml_document
from ops.preview.placeholders import without_secrets

pytestmark = pytest.mark.usefixtures("no_garbage_collection")

LAUGHS = "a: &a [1,2,3,4,5,6,7,8,9]\n" + "".join(
    f"{name}: &{name} [{','.join([f'*{before}'] * 9)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a: &a [*a]", "an anchor refers to itself"),
        ("a: &a {b: {c: *a}}", "an anchor refers to itself"),
        ("[" * 1000, "nested too deeply"),
        (LAUGHS, "more than 100000 values"),
    ],
)
def test_a_document_that_cannot_be_walked_is_refused_with_the_reason(text: str, reason: str) -> None:
    for read in (yaml_document.load, yaml_document.compose):
        with pytest.raises(yaml.YAMLError, match=reason):
            read(text)


def test_an_anchor_used_twice_is_read() -> None:
    text = "a: &a {b: 1}\nc: *a\nd:\n  <<: *a\n"
    assert yaml_document.load(text) == {"a": {"b": 1}, "c": {"b": 1}, "d": {"b": 1}}
    assert isinstance(yaml_document.compose(text), yaml.MappingNode)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("config: &a {b: *a}\n", "an anchor refers to itself"),
        ("config:\n  a:b: &a [*a]\n", "an anchor refers to itself"),
        ("config: {a: " + "[" * 1000, "nested too deeply"),
    ],
)
def test_a_hostile_stack_file_is_one_sentence(text: str, reason: str) -> None:
    with pytest.raises(OpsError, match=f"^The stack file cannot be read: .*{reason}; fix it"):
        without_secrets(text)
