"""What may be a secret is in no problem, wherever in a stack file somebody has put it."""

import json
from pathlib import Path
from typing import Any

import pytest

from components.settings import settings
from components.settings.app import App
from components.settings.key import Key
from components.settings.kubernetes import Kubernetes
from components.settings.stack import BLOCKS
from tests.support.stack_files import EVERY, Place, places, read

CANARY = "hunter2canary"
SECRET = [place for place in places() if place.key.secrecy != "never"]
BLOCKS_WITH_SECRETS = sorted({place.names[0] for place in SECRET} & set(BLOCKS))


def misplaced(key: Key) -> list[Any]:
    """Values of the wrong type, and names of the wrong form, each with a secret in it."""
    of_any = [CANARY, f"DB_PASSWORD={CANARY}", [CANARY], [[CANARY]], {"a b": {"value": CANARY}}, {f"A={CANARY}": "x"}]
    if key.kind != "map":
        return of_any
    name = next(iter(key.examples[0]))  # type: ignore[call-overload]
    return [*of_any, *({name: value} for value in ([CANARY], {"value": CANARY}))]


@pytest.mark.parametrize("place", SECRET, ids=lambda place: place.path)
def test_a_value_where_a_secret_may_be_is_in_no_problem(place: Place, tmp_path: Path) -> None:
    refused = 0
    for value in misplaced(place.key):
        if len(place.names) == 1 and not isinstance(value, str):
            continue
        _, problems = read(place.put(value), tmp_path)
        assert CANARY not in str(problems), value
        assert CANARY not in "".join(map(str, problems)), value
        refused += bool(problems)
    assert refused


@pytest.mark.parametrize("place", SECRET, ids=lambda place: place.path)
def test_a_number_where_a_secret_may_be_is_in_no_problem(place: Place, tmp_path: Path) -> None:
    name = next(iter(place.key.examples[0])) if place.key.kind == "map" else ""  # type: ignore[call-overload]
    for value in ({name: 48213377}, 48213377, [48213377]) if name else (48213377,):
        _, problems = read(place.put(value), tmp_path)
        assert "48213377" not in "".join(map(str, problems)), value


@pytest.mark.parametrize("block", BLOCKS_WITH_SECRETS)
@pytest.mark.parametrize(
    "value", [f"secrets: {{A: {CANARY}}}", f"{CANARY}{{", json.dumps([{"secrets": {"A": CANARY}}]), f'"{CANARY}"']
)
def test_a_block_that_is_none_and_may_hold_a_secret_is_not_shown(block: str, value: str) -> None:
    values = {key: text if isinstance(text, str) else json.dumps(text) for key, text in EVERY.items()}
    _, problems = settings.parse(values | {f"gitlab-deploy:{block}": value})
    assert f"gitlab-deploy:{block}" in [problem.path for problem in problems]
    assert CANARY not in "".join(map(str, problems))


@pytest.mark.parametrize("block", [App, Kubernetes])
def test_a_block_made_in_code_shows_no_secret_either(block: type[Any]) -> None:
    with pytest.raises(ValueError, match="secrets: a text is of the wrong type; use a mapping") as refused:
        block(secrets=f"DB_PASSWORD={CANARY}")
    assert CANARY not in str(refused.value)


def test_a_name_that_is_none_is_shown_up_to_what_may_be_its_value(tmp_path: Path) -> None:
    [place] = [place for place in SECRET if place.path == "gitlab-deploy:app.secrets"]
    _, problems = read(place.put({f"DB_PASSWORD={CANARY}": {"secure": "x"}, "db-password": {"secure": "x"}}), tmp_path)
    assert [problem.value for problem in problems] == ["'DB_PASSWORD=...'"]
