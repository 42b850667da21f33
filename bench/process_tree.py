"""Runs one command and writes what it and every process below it took: `python process_tree.py RESULT COMMAND...`.

A process of its own: what the command leaves behind becomes its child (PR_SET_CHILD_SUBREAPER), so that the CPU time of
a plugin counts as well if the engine has not waited for it. The clock ends with the command itself. Nothing but the
standard library is loaded.
"""

import ctypes
import json
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36
SAMPLE_SECONDS = 0.05
LINGER_SECONDS = 10
"""What a process that outlives the command is given before it is killed."""


class Memory(threading.Thread):
    """Samples the resident memory of all processes below this one, and keeps the largest sum."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.peak = 0
        """In bytes; a page that several processes share counts for each."""
        self._page = os.sysconf("SC_PAGE_SIZE")
        self._end = threading.Event()

    def run(self) -> None:
        """Samples until the end."""
        while not self._end.wait(SAMPLE_SECONDS):
            self.peak = max(self.peak, sum(map(self._resident, below(os.getpid()))))

    def stop(self) -> None:
        """Ends the samples."""
        self._end.set()
        self.join()

    def _resident(self, pid: int) -> int:
        with suppress(OSError):
            return int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]) * self._page
        return 0


def below(pid: int) -> list[int]:
    """The processes that a process has started, and those that they have (proc_pid_task_children(5), by thread)."""
    children: list[int] = []
    with suppress(OSError):
        for thread in Path(f"/proc/{pid}/task").iterdir():
            with suppress(OSError):
                children += [int(child) for child in (thread / "children").read_text(encoding="ascii").split()]
    return [found for child in children for found in (child, *below(child))]


def main() -> None:
    """Runs the command; its exit status is this one's."""
    result, *command = sys.argv[1:]
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    memory = Memory()
    begun, started = time.time(), time.monotonic()
    process = subprocess.Popen(command)
    memory.start()
    code = process.wait()
    wall = time.monotonic() - started
    memory.stop()
    _reap(time.monotonic() + LINGER_SECONDS)
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    found = {
        "begun": begun,
        "wall": wall,
        "cpu": usage.ru_utime + usage.ru_stime,
        "memory": memory.peak,
        "largest": usage.ru_maxrss * 1024,
    }
    Path(result).write_text(json.dumps(found), encoding="utf-8")
    sys.exit(code if code >= 0 else 128 - code)


def _reap(deadline: float) -> None:
    while True:
        try:
            pid, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if not pid:
            if time.monotonic() > deadline:
                for left in below(os.getpid()):
                    with suppress(ProcessLookupError):
                        os.kill(left, signal.SIGKILL)
            time.sleep(0.01)


if __name__ == "__main__":
    main()
