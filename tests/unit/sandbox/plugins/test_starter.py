import subprocess
import sys

from tests.support.project import ROOT

INTERRUPTED_IN_A_THREAD = """\
import os, signal, threading, time
from sandbox.plugins import starter
starter._LOOK_SECONDS = 600
wait, main = starter.select.select, threading.main_thread()
def interrupt():
    waits.wait()
    # In the kernel by then, or about to be: what a thread gets does not end that.
    while open(f"/proc/self/task/{main.native_id}/stat").read().rpartition(")")[2].split()[0] != "S":
        pass
    signal.pthread_kill(threading.get_ident(), signal.SIGINT)
waits = threading.Event()
def select(*arguments):
    waits.set()
    return wait(*arguments)
starter.select.select = select
threading.Thread(target=interrupt).start()
try:
    starter.wait_for_end(os.getppid())
except KeyboardInterrupt:
    print("interrupted")
"""
ORPHANED = """\
import os
from sandbox.plugins import starter
starter.wait_for_end(os.getppid() + 1)
print("ended")
"""


def said(script: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout.strip()


def test_signal_that_another_thread_gets_is_handled_at_once() -> None:
    assert said(INTERRUPTED_IN_A_THREAD) == "interrupted"


def test_wait_ends_with_the_process_that_started_the_plugin() -> None:
    assert said(ORPHANED) == "ended"
