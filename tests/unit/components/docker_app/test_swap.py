import json
from itertools import pairwise
from typing import Any

from components.docker_app.labels import labels
from components.docker_app.swap import LEVELS, Generation, digest, following
from components.outputs import SwapOutput
from tests.unit.components.docker_app.test_labels import ROUTE

LAST: SwapOutput = json.loads('{"container": "web-1", "digest": "same", "number": 4.0, "token": "t4", "before": "t3"}')
"""As the engine gives it back."""


def follow(wanted: str = "same", **changes: Any) -> Generation:
    return following(LAST, wanted, **{"identity": "id", "kept": "web-1", "present": {"web-1", "other"}, **changes})


def test_container_that_is_what_is_wanted_keeps_its_generation() -> None:
    assert follow() == Generation(number=4, token="t4", before="t3")
    assert follow(present=None) == Generation(number=4, token="t4", before="t3")


def test_anything_else_makes_another_generation_with_a_token_of_its_own() -> None:
    changed = follow("changed")
    assert (changed.number, changed.before) == (5, "t4")
    # The state has the container of a run that failed; nobody has any; and it was removed by hand.
    others = [follow(kept="web-2"), follow("changed", kept="web-2"), follow(kept=None), follow(present=set())]
    assert {other.number for other in others} == {5}
    assert "t4" not in {changed.token, *(other.token for other in others)}
    assert follow("changed", kept="web-2").token != changed.token


def test_priority_is_a_whole_number_as_traefik_takes_no_other() -> None:
    for generation in (follow(), follow("changed")):
        found = labels("owner", ROUTE, generation)
        assert [value for label, value in found.items() if label.endswith(".priority") and not value.isdigit()] == []


def test_preview_and_the_run_behind_it_make_the_same_generation() -> None:
    assert follow("changed") == follow("changed")


def test_first_container_follows_none() -> None:
    first = following(None, "same", identity="id", kept=None, present=set())
    assert (first.number, first.before, first.starts_over) == (0, "", False)


def test_levels_rise_and_start_over() -> None:
    generations = [Generation(number=number, token="t", before="b" * bool(number)) for number in range(2 * LEVELS)]
    falls = [two.number for one, two in pairwise(generations) if two.level <= one.level]
    assert falls == [generation.number for generation in generations if generation.starts_over] == [LEVELS]


def test_digest_is_of_every_part_in_any_order() -> None:
    assert digest({"a": 1, "b": [2]}) == digest({"b": [2], "a": 1})
    assert digest({"a": 1, "b": [2]}) != digest({"a": 1, "b": [3]})
