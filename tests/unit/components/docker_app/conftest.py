import pytest

from components.docker_app.reached import Reach


class Proxy(list[Reach]):
    """What it was asked for, one after the other."""

    problem: str | None = None
    """Why it does not serve a container."""


@pytest.fixture(autouse=True)
def proxy(monkeypatch: pytest.MonkeyPatch) -> Proxy:
    """The reverse proxy of every host, which serves what it is asked for unless a test says why not."""
    made = Proxy()

    def problem(reach: Reach, _: object) -> str | None:
        made.append(reach)
        return made.problem

    monkeypatch.setattr(Reach, "problem", problem)
    return made
