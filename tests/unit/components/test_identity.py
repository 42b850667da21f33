import re
from pathlib import Path
from typing import Any

import pulumi
import pytest

from components import identity, stack_state
from components.stack_state import StateResource
from tests.support.programs import program
from tests.support.recorder import deploy

KEPT = StateResource(type="pulumi:index:Stash", outputs={"output": "of-the-state"})
OTHER = StateResource(type="docker:index/container:Container", id="abc")


def find(
    monkeypatch: pytest.MonkeyPatch,
    *resources: StateResource,
    left: dict[str, Any] | None = None,
    preview: bool = False,
    offline: bool = False,
) -> tuple[str, int]:
    """The id, and how often the state was read for it."""
    reads: list[None] = []
    found: list[str] = []

    def read() -> tuple[StateResource, ...]:
        reads.append(None)
        return resources

    monkeypatch.setattr(stack_state, "read_resources", read)
    deploy(lambda: found.append(identity.find(left or {}, offline=offline)), preview=preview)  # type: ignore[arg-type]
    return found[0], len(reads)


def test_id_of_the_outputs_needs_no_look_at_the_state(monkeypatch: pytest.MonkeyPatch) -> None:
    for preview in (False, True):
        assert find(monkeypatch, KEPT, left={"identity": "of-the-outputs"}, preview=preview) == ("of-the-outputs", 0)


def test_id_of_a_first_run_that_failed_is_found_in_the_state(monkeypatch: pytest.MonkeyPatch) -> None:
    for preview in (False, True):
        assert find(monkeypatch, OTHER, KEPT, preview=preview) == ("of-the-state", 1)


def test_first_run_makes_another_id_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = find(monkeypatch, OTHER), find(monkeypatch)
    assert one[1] == other[1] == 1
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", one[0])
    assert one != other


def test_previews_of_a_stack_that_has_no_id_are_equal(monkeypatch: pytest.MonkeyPatch) -> None:
    assert find(monkeypatch, preview=True) == (identity.NOT_MADE, 1)
    assert find(monkeypatch, preview=True, offline=True) == (identity.NOT_MADE, 0)


def test_id_that_is_kept_is_never_changed() -> None:
    given: list[str] = []
    recorder = deploy(lambda: identity.keep("own").apply(given.append))
    stash = recorder.one("pulumi:index:Stash")
    assert stash.inputs["input"] == "own"
    assert stash.ignore_changes == ("input",)
    assert given == ["own"]


def read(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> tuple[StateResource, ...]:
    """The resources of a state that a CLI of this content exports."""
    monkeypatch.setenv("PATH", f"{program(folder, 'pulumi', script).parent}:/usr/bin:/bin")
    found: list[tuple[StateResource, ...]] = []
    deploy(lambda: found.append(stack_state.read_resources()))
    return found[0]


def test_resources_are_read_by_the_full_name_of_the_stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state = '{"deployment": {"resources": [{"type": "t", "id": "i", "outputs": {"a": 1}}, {"type": "u"}]}}'
    found = read(tmp_path, monkeypatch, f"echo \"$@\" > {tmp_path}/words; echo '{state}'")
    assert found == (StateResource(type="t", id="i", outputs={"a": 1}), StateResource(type="u"))
    words = (tmp_path / "words").read_text().split()
    assert words == ["stack", "export", "--stack", "organization/gitlab-deploy/test", "--non-interactive"]


def test_stack_with_an_empty_state_has_no_resources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert read(tmp_path, monkeypatch, "echo '{\"deployment\": null}'") == ()


@pytest.mark.parametrize(
    ("script", "reason"),
    [("echo 'error: no access' >&2; exit 1", "no access"), ("echo '{'", "JSONDecodeError"), ("sleep 60", "Timeout")],
)
def test_state_that_cannot_be_read_stops_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, reason: str
) -> None:
    monkeypatch.setattr(stack_state, "TIMEOUT_SECONDS", 1 if reason == "Timeout" else 30)
    with pytest.raises(pulumi.RunError, match=f"Nothing was changed: the state of .* cannot be read .*{reason}.*; see"):
        read(tmp_path, monkeypatch, script)


def test_cli_that_is_not_on_the_path_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(pulumi.RunError, match="there is no pulumi on PATH"):
        deploy(stack_state.read_resources)
