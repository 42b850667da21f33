from collections.abc import Iterator

import pytest

from components.compose import reached
from components.compose.reached import Reach
from components.docker_app.entrance import Answer, Entrance
from tests.support.docker_double import DockerDouble

NOT_YET = Answer(status=404)
SERVES = Answer(status=404, token="one")
REACH = Reach(entrance=Entrance(host="shop.example.org"), entry_points=("websecure",), token="one")


def problem(monkeypatch: pytest.MonkeyPatch, *answers: Answer, from_here: Answer | None = None) -> str | None:
    """What comes of these answers to the Docker host, one at each look and then the last for ever."""
    following: Iterator[Answer] = iter(answers)
    last = [answers[-1]]

    def ask(*_: object) -> Answer:
        last[0] = next(following, last[0])
        return last[0]

    monkeypatch.setattr(reached, "_POLL_SECONDS", 0.001)
    monkeypatch.setattr(reached, "_ROUTED_SECONDS", 0.05)
    monkeypatch.setattr(reached, "_ANSWERED_SECONDS", 0.05)
    monkeypatch.setattr(reached, "ask_from_host", ask)
    monkeypatch.setattr(reached, "ask_from_here", lambda *_: from_here or Answer(reason="no route"))
    return REACH.problem(DockerDouble())


def test_a_container_is_reached_once_the_answer_is_by_its_own_route(monkeypatch: pytest.MonkeyPatch) -> None:
    assert problem(monkeypatch, NOT_YET, Answer(status=200, token="old"), SERVES) is None
    assert problem(monkeypatch, Answer(status=502, token="one"), SERVES) is None
    assert problem(monkeypatch, Answer(reason="refused"), from_here=SERVES) is None


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (NOT_YET, "the reverse proxy at 127.0.0.1:443 of ssh://deploy@host does not route shop.example.org to it (it"),
        (
            Answer(status=502, token="one"),
            "the reverse proxy gets no answer from it (status 502); have the application",
        ),
        (Answer(reason="refused"), "the reverse proxy cannot be asked at 127.0.0.1:443 of ssh://deploy@host (refused)"),
    ],
)
def test_else_it_says_why_with_the_fix(monkeypatch: pytest.MonkeyPatch, answer: Answer, expected: str) -> None:
    found = problem(monkeypatch, answer)
    assert found is not None
    assert found.startswith(expected)
    assert "; " in found
