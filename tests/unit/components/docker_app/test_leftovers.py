import pytest

from components import stack_state
from components.docker_app import leftovers
from components.docker_app.listed_container import ListedContainer
from components.stack_state import StateResource
from tests.unit.components.docker_app.test_drift import ID, KNOWN, OWN, container


def find(monkeypatch: pytest.MonkeyPatch, *present: ListedContainer, kept: str = "") -> tuple[list[str], int]:
    """Names of the leftovers, and how often the state was read for them."""
    reads: list[None] = []

    def read() -> tuple[StateResource, ...]:
        reads.append(None)
        return (StateResource(type="docker:index/container:Container", id=kept), StateResource(type="t", id="b" * 64))

    monkeypatch.setattr(stack_state, "read_resources", read)
    return [one.name for one in leftovers.find(present, identity=ID, known=KNOWN)], len(reads)


def test_state_is_not_read_if_all_own_containers_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    assert find(monkeypatch, OWN, container("rival", "other-id"), container("by-hand")) == ([], 0)


def test_own_container_is_left_over_if_the_state_has_it_not(monkeypatch: pytest.MonkeyPatch) -> None:
    assert find(monkeypatch, OWN, container("left", ID)) == (["left"], 1)
    assert find(monkeypatch, OWN, container("of-a-failed-run", ID), kept="b" * 64) == ([], 1)
