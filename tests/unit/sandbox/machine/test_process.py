"""Processes are known by pid and start; nothing else is ever ended."""

import subprocess

import pytest

from sandbox.machine.process import Process
from sandbox.machine.waiting import wait


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
