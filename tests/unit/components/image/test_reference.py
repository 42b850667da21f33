import re
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.image.reference import ImageReference
from components.settings.problem import quoted

A, B = "registry.example.com/group/blog:1.0.0", "registry.example.com/group/blog:2.0.0"
DIGEST, OTHER = f"sha256:{'a' * 64}", f"sha256:{'b' * 64}"


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("blog", ("blog", None, None)),
        ("blog:1.0.0", ("blog", "1.0.0", None)),
        ("registry.example.com:5000/group/blog:1.0.0", ("registry.example.com:5000/group/blog", "1.0.0", None)),
        (f"registry.example.com/group/blog@{DIGEST}", ("registry.example.com/group/blog", None, DIGEST)),
        (f"[2001:db8::1]:5000/blog:a@{DIGEST}", ("[2001:db8::1]:5000/blog", "a", DIGEST)),
    ],
)
def test_reference_is_taken_apart_and_gives_its_text_back(text: str, parts: tuple[str, str | None, str | None]) -> None:
    reference = ImageReference.parse(text)
    assert (reference.name, reference.tag, reference.digest) == parts
    assert str(reference) == text


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "Blog:1", "blog:", "blog:1 ", "blog:1\n", "blog@sha256:abc", f"blog@{DIGEST}0", "-blog", "a//b"),
        *("https://r/b", "b:" + "t" * 129, "blög", "$(x)", "../b", "a" * 256),
    ],
)
def test_malformed_reference_is_refused_with_its_value(text: str) -> None:
    with pytest.raises(ValueError, match=re.escape(f"{quoted(text)} is not an image reference; use")):
        ImageReference.parse(text)


@given(st.from_regex(r"[A-Za-z0-9._:@/-]{0,40}", fullmatch=True))
def test_text_that_is_taken_for_a_reference_is_given_back_as_it_was(text: str) -> None:
    with suppress(ValueError):
        assert str(ImageReference.parse(text)) == text


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (A, A, True),
        (A, B, False),
        (A, f"{A}@{DIGEST}", True),
        (f"{A}@{DIGEST}", f"registry.example.com/group/blog@{DIGEST}", True),
        (f"{A}@{DIGEST}", f"{A}@{OTHER}", False),
        (f"registry.example.com/group/blog@{DIGEST}", A, False),
        (f"registry.example.com/group/blog@{DIGEST}", f"registry.example.com/group/other@{DIGEST}", False),
    ],
)
def test_images_are_told_apart_by_digest_and_else_by_tag(one: str, other: str, *, expected: bool) -> None:
    assert ImageReference.parse(one).is_same(ImageReference.parse(other)) is expected
    assert ImageReference.parse(other).is_same(ImageReference.parse(one)) is expected


def test_digest_is_added_behind_the_tag() -> None:
    assert str(ImageReference.parse(A).with_digest(DIGEST)) == f"{A}@{DIGEST}"
    with pytest.raises(ValueError, match="is not an image reference"):
        ImageReference.parse(A).with_digest("sha256:abc")
