import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.access import masking


@pytest.mark.parametrize(
    ("value", "raw", "rule"),
    [
        ("a" * 7, True, "at least 8 characters"),
        ("", True, "at least 8 characters"),
        ("aaaa aaaa", True, "no white space"),
        ("aaaaaaaa\n", True, "no white space"),
        ("aaaa\taaaa", False, "no white space"),
        ('{"a":"bcd"}', False, "not raw"),
        ("aaaa$aaaa", False, "not raw"),
        ("ääääääää", False, "not raw"),
    ],
)
def test_value_gitlab_cannot_mask_is_refused_by_the_rule_and_never_shown(value: str, raw: bool, rule: str) -> None:
    reason = masking.refusal(value, raw=raw)
    assert reason
    assert rule in reason
    assert not value or value not in reason


@pytest.mark.parametrize(
    ("value", "raw"), [("a" * 8, False), ("Ab1_+=/@:.~-", False), ('{"a":"$b,c"}', True), ("aaaa\u00a0aaaa", True)]
)
def test_value_gitlab_can_mask_is_accepted(value: str, raw: bool) -> None:
    assert masking.refusal(value, raw=raw) is None


@given(st.text(max_size=20), st.booleans())
def test_mask_rules_agree_with_gitlabs_expressions(value: str, raw: bool) -> None:
    # From GitLab's app/models/concerns/ci/maskable.rb, in Python's notation.
    expression = r"\S{8,}" if raw else r"[a-zA-Z0-9_+=/@:.~-]{8,}"
    accepted = re.fullmatch(expression, value, re.ASCII) is not None
    assert (masking.refusal(value, raw=raw) is None) == accepted


def test_size_above_4_kib_is_a_warning_that_does_not_show_the_value() -> None:
    assert masking.size_warning("KUBECONFIG", "x" * 4096) is None
    warning = masking.size_warning("KUBECONFIG", "x" * 4097)
    assert warning
    assert "KUBECONFIG" in warning
    assert "4097" in warning
    assert "xxx" not in warning
