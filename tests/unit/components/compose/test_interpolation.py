import re

import pytest

from components.compose.interpolation import InterpolationError, interpolate, mark, names, pieces


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$A ${A} $$A $${A}", "a a $A ${A}"),
        ("${A:-x} ${EMPTY:-x} ${EMPTY-x} ${NO:-x} ${NO-x}", "a x  x x"),
        ("${A:+x}|${EMPTY:+x}|${EMPTY+x}|${NO+x}", "x||x|"),
        ("${NO:-${A}-${OTHER:-b}}", "a-b"),
        ('${NO:-{"a":1}} ${A:-{"a":1}}', '{"a":1} a'),
        ("${A:?no} ${EMPTY?no}", "a "),
        ("plain, 100%", "plain, 100%"),
    ],
)
def test_variables_are_resolved_as_compose_does(text: str, expected: str) -> None:
    assert interpolate(text, {"A": "a", "EMPTY": ""}) == expected


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("${NO}", r"takes \$NO, which is not set$"),
        ("${NO:?give it}", r"takes \$NO, which is not set \(give it\)$"),
        ("${EMPTY:?give it}", r"takes \$EMPTY, which is not set \(give it\)$"),
        ("a $ b", "no name behind"),
        ("${A", "not closed"),
        ("${A%b}", "does not know"),
        ("${1}", "names no variable"),
        ("${NO:-" * 2000 + "}" * 2000, "more than 100 deep"),
    ],
)
def test_what_cannot_be_resolved_says_why(text: str, cause: str) -> None:
    with pytest.raises(InterpolationError) as raised:
        interpolate(text, {"A": "a", "EMPTY": ""})
    assert re.search(cause, raised.value.cause)
    assert raised.value.remedy


def test_an_encrypted_value_is_found_again_in_the_text() -> None:
    text = interpolate("postgres://app:${PASSWORD}@db/${NAME}", {"PASSWORD": mark("PASSWORD"), "NAME": "shop"})
    assert names(text) == {"PASSWORD"}
    assert list(pieces(text)) == [("postgres://app:", False), ("PASSWORD", True), ("@db/shop", False)]
