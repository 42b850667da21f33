import time
from types import SimpleNamespace

import pulumi
import pytest

from components.image import last_run
from tests.support.recorder import deploy

LEFT = {"dockerHost": {"id": "abc", "container": "web"}}


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses that were made, none of which takes time."""
    made: list[float] = []
    monkeypatch.setattr(time, "sleep", made.append)
    return made


def fail(monkeypatch: pytest.MonkeyPatch, *errors: str) -> None:
    """Has the state read with these errors, one after the other, before it can be read."""
    left = list(errors)

    def read(_token: str, _arguments: object) -> SimpleNamespace:
        if left:
            raise RuntimeError(left.pop(0))
        return SimpleNamespace(value={"outputs": LEFT})

    monkeypatch.setattr(last_run, "invoke", read)


@pytest.mark.parametrize("preview", [False, True])
def test_outputs_of_the_last_run_are_plain_values(*, preview: bool) -> None:
    found = []
    deploy(lambda: found.append(last_run.previous_outputs()), preview=preview, left=LEFT)
    assert found == [LEFT]


def test_first_run_finds_none() -> None:
    found = []
    deploy(lambda: found.append(last_run.previous_outputs()))
    assert found == [{}]


def test_names_of_a_type_are_those_of_the_state_with_nothing_else_of_it() -> None:
    found = []
    prefix = "urn:pulumi:test::gitlab-deploy::"
    state = {
        f"{prefix}a:b:App$docker:C::web": {"type": "docker:C", "outputs": {"name": "web-1", "envs": ["KEY=secret"]}},
        f"{prefix}a:b:App$docker:C::failed": {"type": "docker:C", "outputs": {}},
        f"{prefix}a:b:App::web": {"type": "a:b:App", "outputs": {}},
    }
    deploy(lambda: found.append(last_run.kept_names("docker:C")), kept=state)
    assert found == [{"web": "web-1"}]


def test_state_that_is_written_at_this_moment_is_read_again(
    monkeypatch: pytest.MonkeyPatch, pauses: list[float]
) -> None:
    fail(
        monkeypatch,
        "failed to load checkpoint: EOF",
        "failed to load checkpoint: place 1: unexpected EOF",
        "failed to load checkpoint: blob (code=Unknown): checksum did not match: algorithm CRC32",
    )
    assert last_run.previous_outputs() == LEFT
    assert pauses == [0.05, 0.1, 0.2]


def test_state_that_cannot_be_read_is_one_sentence(monkeypatch: pytest.MonkeyPatch, pauses: list[float]) -> None:
    fail(monkeypatch, *["failed to load checkpoint: EOF"] * 9)
    with pytest.raises(pulumi.RunError, match=r"cannot be read from its state \(failed to load checkpoint: EOF\); see"):
        last_run.previous_outputs()
    assert len(pauses) == 5


def test_any_other_error_is_not_waited_for(monkeypatch: pytest.MonkeyPatch, pauses: list[float]) -> None:
    fail(monkeypatch, "403 Forbidden")
    with pytest.raises(pulumi.RunError, match="403 Forbidden"):
        last_run.previous_outputs()
    assert pauses == []
