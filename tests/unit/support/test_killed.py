import itertools

import pytest

from tests.support import killed
from tests.support.project import Project


@pytest.mark.parametrize("first", range(1, 6))
@pytest.mark.parametrize("steps", [1, 2, 4, 11])
def test_a_change_of_few_steps_is_killed_at_one_of_them(
    monkeypatch: pytest.MonkeyPatch, first: int, steps: int
) -> None:
    monkeypatch.setattr(killed, "numbers", lambda: iter([first]))
    monkeypatch.setattr(killed, "up_killed_at", lambda _, number: f"step {number}" if number <= steps else None)
    chosen: list[str] = []
    runs = list(killed.killed_ups(Project.__new__(Project), chosen.append))
    killed_at = [step for _, step in runs if step]
    assert killed_at
    assert runs[-1][1] is None
    assert [version for version, _ in runs] == chosen
    assert all(version != following for version, following in itertools.pairwise(chosen))
