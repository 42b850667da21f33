"""What a program leaves behind if it is ended by a signal, as by Ctrl-C: nothing."""

import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.machine.waiting import wait
from tests.support.processes import descendants, runs
from tests.support.project import ROOT

SECONDS = 60
FOLDER = """
from components.docker_app.control_folder import control_folder
assert control_folder()
ready()
signal.pause()
"""
CREDENTIAL = """
from components.access import kubeconfig_check
def kubectl(*_, **__):
    ready()
    signal.pause()
kubeconfig_check._ask("apiVersion: v1", kubectl)
"""
WATCH = """
import asyncio
from components.rollout.watch import Watch
from components.rollout.workload import Workload
async def run():
    watch = Watch("example", [Workload(name="web", images={})], 60)
    while not any(process.poll() is None for process in watch._processes.values()):
        await asyncio.sleep(0.01)
    ready()
    await watch.changed(60)
asyncio.run(run())
"""
HANGS = """
cancellation._SECONDS = 0.1
cancellation.register(signal.pause)
cancellation.register(lambda: 1 / 0)
ready()
signal.pause()
"""
MAKING = """
import tempfile, threading, time
from components.docker_app.control_folder import control_folder
make = tempfile.mkdtemp
def held(*args, **kwargs):
    made = make(*args, **kwargs)
    ready()
    while not has_come():
        time.sleep(0.01)
    return made
tempfile.mkdtemp = held
"""
MAKES = f"""{MAKING}
has_come = lambda: cancellation._Making.signal
control_folder()
"""
MAKES_BESIDE = f"""{MAKING}
has_come = lambda: signal.getsignal(signal.SIGINT) is signal.SIG_DFL
threading.Thread(target=control_folder).start()
signal.pause()
"""
LATE = """
import threading
from components.docker_app.control_folder import control_folder
def late():
    making = threading.Thread(target=control_folder)
    making.start()
    making.join(0.5)
cancellation.register(late)
ready()
signal.pause()
"""
KUBECTL = '#!/bin/sh\ncase "$*" in *"config view"*) echo https://here:6443 ;; *) exec sleep 600 ;; esac\n'


@pytest.fixture
def folder() -> Iterator[Path]:
    """Where the program keeps what is its own; its path leaves room for a socket's."""
    with tempfile.TemporaryDirectory(dir="/tmp") as made:
        yield Path(made)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("text", [FOLDER, CREDENTIAL, WATCH, HANGS, MAKES, MAKES_BESIDE, LATE])
def test_program_that_a_signal_ends_leaves_nothing(text: str, number: signal.Signals, folder: Path) -> None:
    (folder / "bin").mkdir()
    (folder / "bin" / "kubectl").write_text(KUBECTL)
    (folder / "bin" / "kubectl").chmod(0o755)
    script = folder / "bin" / "program.py"
    begins = "import signal\nfrom components import cancellation\ncancellation.install()\n"
    script.write_text(f"{begins}def ready():\n    print('ready', flush=True)\n{text}")
    own = folder / "own"
    own.mkdir()
    environment = dict.fromkeys(("HOME", "TMPDIR", "XDG_RUNTIME_DIR"), str(own))
    environment |= {"PATH": f"{folder / 'bin'}:/usr/bin:/bin", "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        [sys.executable, script], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as program:
        try:
            assert program.stdout
            assert program.stdout.readline() == "ready\n"
            started = descendants(program.pid)
            if text not in {HANGS, WATCH, LATE}:
                assert list(own.iterdir())
            program.send_signal(number)
            _, said = program.communicate(timeout=SECONDS)
        finally:
            program.kill()
    assert program.returncode == -number
    assert said == ""
    assert bool(started) == (text is WATCH)
    assert wait(lambda: not any(map(runs, started)), SECONDS)
    assert list(own.iterdir()) == []


@pytest.mark.parametrize(
    ("begins", "code"),
    [
        ("from components import cancellation; cancellation.install()", -signal.SIGTERM),
        ("from ops import ending; ending.leave_when_ended()", 128 + signal.SIGTERM),
    ],
)
def test_a_hangup_that_is_ignored_as_below_nohup_stays_ignored(begins: str, code: int) -> None:
    text = f"""
import os, signal
signal.signal(signal.SIGHUP, signal.SIG_IGN)
{begins}
os.kill(os.getpid(), signal.SIGHUP)
print("goes on", flush=True)
os.kill(os.getpid(), signal.SIGTERM)
signal.pause()
"""
    command = [sys.executable, "-c", text]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (code, "goes on\n", "")
