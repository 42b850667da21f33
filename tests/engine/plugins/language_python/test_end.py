"""A program ends with its run: interrupted, killed if it lingers, and never left behind."""

import signal

import pytest

from sandbox.machine.waiting import wait
from tests.engine.plugins.language_python.conftest import SECONDS, Program
from tests.support.processes import parent, runs

# Writes its pid, then waits; a test decides what it does on SIGINT.
WAITING = """\
import os, pathlib, signal, time
def interrupted(*_):
    pathlib.Path("interrupted").touch()
    {on_interrupt}
signal.signal(signal.SIGINT, interrupted)
pathlib.Path("pid").write_text(f"{{os.getpid()}}\\n")
while True:
    time.sleep(0.1)
"""


@pytest.mark.parametrize("on_interrupt", ["os._exit(1)", "pass"], ids=["it ends", "it is killed"])
def test_a_cancelled_run_interrupts_its_program_and_kills_one_that_lingers(program: Program, on_interrupt: str) -> None:
    program.write(WAITING.format(on_interrupt=on_interrupt))
    with program.running() as (cli, pid):
        cli.send_signal(signal.SIGINT)
        said, _ = cli.communicate(timeout=SECONDS)
    assert (program.folder / "interrupted").exists()
    assert cli.returncode != 0
    assert not runs(pid)
    assert "Traceback" not in said


def test_nothing_outlives_an_engine_that_is_killed(program: Program) -> None:
    program.write(WAITING.format(on_interrupt="pass"))
    with program.running() as (cli, pid):
        host = parent(pid)
        assert host != cli.pid
        cli.kill()
    assert wait(lambda: not runs(pid) and not runs(host), SECONDS)
