"""Hosts and sandboxes for tests: each of its own, and gone afterwards."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sandbox.instance import Instance
from sandbox.machine.host import Host
from sandbox.machine.state import State
from tests.sandbox.machine.machine import Machine


@pytest.fixture
def new_host(tmp_path: Path) -> Iterator[Callable[[str], Host]]:
    """Makes hosts of one sandbox, by name; they are stopped at the end."""
    state = State(tmp_path / "state.json")
    hosts: list[Host] = []

    def make(name: str) -> Host:
        hosts.append(Host(name, tmp_path, state))
        return hosts[-1]

    yield make
    for host in hosts:
        host.stop()


@pytest.fixture(scope="session")
def before() -> Machine:
    """The machine before the sandbox came up."""
    return Machine.now()


@pytest.fixture(scope="session")
def instance(before: Machine) -> Iterator[Instance]:
    """A sandbox that is up; removed at the end."""
    assert before.mounts == ()
    sandbox = Instance(f"test-host-{os.getpid()}")
    try:
        sandbox.up()
        yield sandbox
    finally:
        sandbox.down()
