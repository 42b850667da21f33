import os
import subprocess
import sys

from sandbox.machine.waiting import wait
from tests.support.processes import runs
from tests.support.project import ROOT

# Starts the plugin as the engine does, says its pid once it serves, and stays.
ENGINE = """
import subprocess, sys
command = [sys.executable, "-m", "sandbox.plugins.gitlab", "127.0.0.1:1"]
plugin = subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True)
plugin.stdout.readline()
print(plugin.pid, flush=True)
sys.stdin.read()
"""


def test_it_serves_while_its_engine_is_there_and_ends_with_an_engine_that_is_killed() -> None:
    command = [sys.executable, "-c", ENGINE]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    pipe = subprocess.PIPE
    with subprocess.Popen(command, env=environment, text=True, stdin=pipe, stdout=pipe) as engine:
        assert engine.stdout
        plugin = int(engine.stdout.readline())
        # Longer than it takes to look whether the engine is there.
        assert not wait(lambda: not runs(plugin), 2.5)
        engine.kill()
    assert wait(lambda: not runs(plugin), 10)
