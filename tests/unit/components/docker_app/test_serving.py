import json
from dataclasses import replace
from typing import Any

import pulumi
import pytest

from components.docker_app import leftovers
from components.docker_app.docker_app import DockerApp
from components.docker_app.listed_container import ListedContainer
from components.docker_app.remote_docker import ApiAnswer
from components.image.reference import ImageReference
from components.outputs import SwapOutput
from tests.support.docker_application import ARGS, OUTPUTS, TARGET
from tests.support.docker_double import DockerDouble, done
from tests.support.recorder import deploy
from tests.unit.components.docker_app.conftest import Proxy
from tests.unit.components.docker_app.test_drift import KNOWN

OWN_ID = "app-container-id"
LEFT = ListedContainer(id="b" * 64, name="left", labels={"gitlab-deploy.id": "own-id"})


def own(**fields: Any) -> ListedContainer:
    return ListedContainer(id=OWN_ID, name="app-container", labels={"gitlab-deploy.id": "own-id"}, **fields)


def run(*present: ListedContainer, preview: bool = False, status: int = 204) -> Any:
    """The changes that a run asks of Docker; the container of the state has the id OWN_ID."""

    def api(method: str, _path: str) -> ApiAnswer:
        state = {"State": {"Status": "running", "Paused": False, "Health": {"Status": "healthy"}}}
        return ApiAnswer(status=200 if method == "GET" else status, body=json.dumps(state))

    remote = DockerDouble(api=api)
    args = replace(
        ARGS,
        remote=remote,
        present=present,
        leftovers=tuple(one for one in present if one == LEFT),
        previous={**KNOWN, "id": OWN_ID},
    )
    deploy(lambda: DockerApp("app", args), OUTPUTS, preview=preview)
    return [request for request in remote.requests if request[0] != "GET"]


def test_container_that_serves_is_left_alone() -> None:
    assert run(own()) == []


def test_preview_changes_nothing() -> None:
    assert run(own(state="exited"), LEFT, preview=True) == []


def test_container_that_was_stopped_or_paused_is_started_by_its_id() -> None:
    for state in ("exited", "paused"):
        started = [("POST", f"/containers/{OWN_ID}/{action}") for action in ("unpause", "start")]
        assert run(own(state=state)) == started


def test_container_that_stays_unhealthy_fails_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("components.docker_app.serving.repair", lambda *_: ["Container x: running, unhealthy"])
    with pytest.raises(pulumi.RunError, match="'app-container' does not serve:\nContainer x"):
        run(own(is_unhealthy=True), LEFT)


def test_leftover_is_stopped_with_its_grace_period_and_then_removed() -> None:
    removed = [("POST", f"/containers/{LEFT.id}/stop?t=30"), ("DELETE", f"/containers/{LEFT.id}?force=true")]
    assert run(own(), LEFT) == removed
    assert run(own(), LEFT, status=404) == removed


def test_leftover_that_is_not_removed_fails_the_run() -> None:
    with pytest.raises(pulumi.RunError, match="'left', which a killed run left, is not removed"):
        run(own(), LEFT, status=500)


def test_own_container_that_is_gone_fails_the_run_before_a_leftover_is_removed() -> None:
    with pytest.raises(pulumi.RunError, match="does not exist any more; 'pulumi up --refresh' creates another"):
        run(LEFT)


def deployed(*present: ListedContainer, **changes: Any) -> DockerDouble:
    """The Docker host after a run that has created the container OWN_ID."""
    remote = DockerDouble(answer=lambda *arguments: done(arguments, '{"Status": "running"}'))
    args = replace(ARGS, remote=remote, present=present, **changes)
    deploy(lambda: DockerApp("app", args), {**OUTPUTS, leftovers.TYPE: {"name": "app-container-1"}})
    return remote


def test_new_container_has_to_be_reached_through_the_proxy(proxy: Proxy) -> None:
    deployed(target=replace(TARGET, entry_point="https", wait_seconds=77, proxy="192.0.2.1:8443"))
    (reach,) = proxy
    assert [(one.host, one.from_host) for one in reach.entrances] == [("blog.example.org", "192.0.2.1:8443")]
    assert (reach.entry_points, reach.seconds) == (["https"], 77)


def test_new_container_that_is_not_reached_is_removed_and_fails_the_run(proxy: Proxy) -> None:
    proxy.problem = "the entry point does not exist"
    old = replace(own(), id="d" * 64)
    for present, kept in (((), "nothing serves"), ((old,), "the old one serves on")):
        with pytest.raises(pulumi.RunError, match=f"app-container-1 is removed, and {kept}: the entry point does not"):
            deployed(*present)


def test_new_container_that_is_not_reached_is_removed_by_its_id(proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy.problem = "the entry point does not exist"
    removed: list[Any] = []
    monkeypatch.setattr(DockerDouble, "stop_and_remove", lambda _, *what: removed.append(what))
    with pytest.raises(pulumi.RunError):
        deployed()
    assert removed == [(OWN_ID, 30)]


def test_container_that_was_there_before_is_not_asked_for(proxy: Proxy) -> None:
    run(own())
    run(own(), preview=True)
    deployed(target=replace(TARGET, host=None))
    assert proxy == []


def test_generation_is_kept_until_what_is_wanted_changes() -> None:
    notes: list[SwapOutput] = []

    def note(**changes: Any) -> SwapOutput:
        def program() -> object:
            app = DockerApp("app", replace(ARGS, **changes))
            return app.swap.apply(lambda swap: notes.append(swap) if swap else None)

        deploy(program, {**OUTPUTS, leftovers.TYPE: {"name": "app-container-1"}})
        return notes[-1]

    first = note()
    last = {"swapped": first, "kept": "app-container-1"}
    assert note(**last) == first
    # What is changed while the container runs makes no other one.
    assert note(**last, target=replace(TARGET, stop_seconds=9, wait_seconds=99)) == first
    for change in (
        {"app": replace(ARGS.app, secrets={"PASSWORD": "another"})},
        {"target": replace(TARGET, entry_point="https")},
        {"image": ImageReference.parse("registry.example.com/group/blog:2.0.0")},
    ):
        changed = note(**last, **change)
        assert (changed["number"], changed["before"]) == (1, first["token"])
        assert changed["token"] != first["token"]
