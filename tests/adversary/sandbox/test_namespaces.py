"""The processes of a host are found by namespaces that nobody else can have meanwhile."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from sandbox.machine.namespaces import KINDS, Namespaces, number
from sandbox.machine.process import Process
from sandbox.machine.waiting import wait

NAMESPACES = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child"]


@contextmanager
def apart() -> Iterator[Process]:
    """A process that is the first one of a process namespace, in a network and with mounts of its own."""
    with subprocess.Popen([*NAMESPACES, "sh", "-c", "echo $$; exec sleep 60"], stdout=subprocess.PIPE) as launcher:
        assert launcher.stdout
        assert launcher.stdout.readline() == b"1\n"
        (child,) = children(launcher.pid)
        process = Process.of(child)
        yield process
        process.kill()
        launcher.wait()


def children(pid: int) -> list[int]:
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as listing:  # noqa: PTH123 - no regular file
        return [int(child) for child in listing.read().split()]


def test_members_are_the_processes_in_any_of_the_namespaces() -> None:
    with apart() as process, Namespaces(process) as namespaces:
        # The launcher shares the mounts and the network.
        assert process.pid in namespaces.members()
        assert len(namespaces.members()) == 2
        with subprocess.Popen(["nsenter", "--target", str(process.pid), "--net", "sleep", "60"]) as visitor:
            assert wait(lambda: visitor.pid in namespaces.members(), 10)
            visitor.kill()
        assert os.getpid() not in namespaces.members()


def test_a_process_is_found_by_the_pid_it_has_inside() -> None:
    with apart() as process, Namespaces(process) as namespaces:
        assert namespaces.pid_of(1) == process.pid
        with pytest.raises(ProcessLookupError):
            namespaces.pid_of(4000)


def test_nobody_gets_the_numbers_of_namespaces_that_are_held() -> None:
    with apart() as process:
        numbers = {kind: number(process.pid, kind) for kind in KINDS}
        namespaces = Namespaces(process)
    reused: set[str] = set()
    with namespaces:
        for _ in range(20):
            with apart() as later:
                assert namespaces.members() == []
                reused |= {kind for kind in KINDS if number(later.pid, kind) == numbers[kind]}
    assert reused == set()


def test_namespaces_of_a_process_that_is_gone_have_no_members() -> None:
    with apart() as process:
        pass
    with Namespaces(process) as namespaces:
        assert namespaces.members() == []
