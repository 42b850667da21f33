"""What a program of many applications costs beside them, counted: each of them has to bring the same."""

import asyncio
import runpy
from collections import Counter
from collections.abc import Awaitable, Iterable
from typing import Any

import pulumi
import pytest
from pulumi.runtime import mocks, settings, stack

from tests.support.project import ROOT
from tests.support.recorder import Recorder

MANY = ROOT / "bench" / "many" / "__main__.py"
TOKEN = {"data": {"token": "dG9rZW4tdG9rZW4=", "ca.crt": "UEVN"}}


def previewed(monkeypatch: pytest.MonkeyPatch, applications: int, *, together: bool) -> tuple[Recorder, int]:
    """Runs the program as the engine does; what it declared, and how many outputs it has waited for at once in all."""
    waited_for = 0
    own_wait = asyncio.wait

    def wait(awaitables: Iterable[Awaitable[Any]], **how: Any) -> Any:
        nonlocal waited_for
        tasks = list(awaitables)
        waited_for += len(tasks)
        return own_wait(tasks, **how)

    def program() -> None:
        runpy.run_path(str(MANY))

    monkeypatch.setattr(asyncio, "wait", wait)
    config = {"applications": applications, "together": together, "prefix": "many", "server": "https://k8s:6443"}
    config["image"] = "registry.example.com/group/blog:1.0.0"
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    recorder = Recorder({"kubernetes:core/v1:Secret": TOKEN}, {}, {})
    pulumi.runtime.set_all_config({f"many:{key}": str(value).lower() for key, value in config.items()}, [])
    try:
        mocks.set_mocks(
            recorder, project="many", stack="test", organization="organization", preview=True, monitor=recorder
        )
        # That of the mocks has registered its outputs already.
        loop.run_until_complete(stack.wait_for_rpcs())
        settings.set_root_resource(None)  # type: ignore[arg-type]
        loop.run_until_complete(stack.run_in_stack(program))
    finally:
        pulumi.runtime.set_all_config({}, [])
        settings.set_root_resource(None)  # type: ignore[arg-type]
        loop.close()
        asyncio.set_event_loop(None)
    return recorder, waited_for


@pytest.mark.parametrize(("together", "shared"), [(False, 0), (True, 6)])
def test_each_application_brings_the_same_resources_and_no_provider(
    monkeypatch: pytest.MonkeyPatch, together: bool, shared: int
) -> None:
    found = [
        Counter(declared.type for declared in previewed(monkeypatch, number, together=together)[0].declarations)
        for number in (1, 2, 3)
    ]
    # One process, which reads the cluster's types once.
    assert {types["pulumi:providers:kubernetes"] for types in found} == {1}
    assert found[2] - found[1] == found[1] - found[0]
    assert (found[1] - found[0]).total() == found[0].total() - shared - 1


def test_no_output_is_waited_for_anew_whenever_another_one_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    assert previewed(monkeypatch, 3, together=False)[1] == 0
