"""Processes are known by pid and start; nothing else is ever ended."""

import os
import subprocess
import threading
import time

import pytest

from sandbox.machine.process import Process, members, together, wait
from sandbox.sandbox_error import SandboxError


def test_a_process_is_alive_until_it_ends() -> None:
    with subprocess.Popen(["sleep", "60"]) as child:
        process = Process.of(child.pid)
        assert process.alive
        assert 0 <= process.age < 60
        process.kill()
        assert not process.alive
        assert child.wait() == -9


def test_a_process_that_only_waits_to_be_collected_is_not_alive() -> None:
    with subprocess.Popen(["true"]) as child:
        assert wait(lambda: not Process(child.pid, Process.of(child.pid).started).alive, 5)


def test_a_pid_that_belongs_to_another_process_by_now_is_not_killed() -> None:
    with subprocess.Popen(["sleep", "60"]) as child:
        real = Process.of(child.pid)
        boot, _, ticks = real.started.rpartition(":")
        for earlier in (f"{boot}:{int(ticks) - 1}", f"another-boot:{ticks}"):
            impostor = Process(child.pid, earlier)
            assert not impostor.alive
            impostor.kill()
            assert real.alive
        real.kill()


def test_killing_what_is_gone_is_no_error() -> None:
    with subprocess.Popen(["sleep", "60"]) as child:
        process = Process.of(child.pid)
        process.kill()
    process.kill()


def test_there_is_no_process_without_a_pid() -> None:
    with pytest.raises(ProcessLookupError):
        Process.of(2**22 + 1)


def test_waiting_ends_with_the_condition_or_the_deadline() -> None:
    begun = time.monotonic()
    assert wait(lambda: True, 60)
    assert not wait(lambda: False, 0.2)
    assert 0.2 <= time.monotonic() - begun < 5


def test_members_are_the_processes_in_any_of_the_namespaces() -> None:
    with subprocess.Popen(["unshare", "--uts", "--net", "sleep", "60"]) as child:
        process = Process.of(child.pid)
        assert wait(lambda: process.namespaces()["net"] != Process.of(os.getpid()).namespaces()["net"], 5)
        assert members({**process.namespaces(), "mnt": 0, "pid": 0}) == [child.pid]
        process.kill()
        assert members({"net": 1, "mnt": 1, "pid": 1}) == []


def test_parts_run_at_the_same_time() -> None:
    barrier = threading.Barrier(3, timeout=5)
    together(barrier.wait, barrier.wait, barrier.wait)


def test_the_first_error_is_raised_without_waiting_for_the_rest() -> None:
    release = threading.Event()

    def fail() -> None:
        raise SandboxError("broken")

    begun = time.monotonic()
    with pytest.raises(SandboxError, match="broken"):
        together(lambda: release.wait(30), fail)
    assert time.monotonic() - begun < 10
    release.set()
