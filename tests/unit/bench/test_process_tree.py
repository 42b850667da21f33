import os
import sys
from pathlib import Path

import pytest

from bench.sample import BenchError, measure

BURN = "import time; end = time.process_time() + 0.3\nwhile time.process_time() < end: pass"


def python(code: str) -> list[str]:
    return [sys.executable, "-I", "-c", code]


def test_cpu_of_a_process_that_nobody_waits_for_is_counted(tmp_path: Path) -> None:
    left = f"import subprocess, sys; subprocess.Popen([sys.executable, '-I', '-c', {BURN!r}])"
    sample = measure(python(left), cwd=tmp_path, environment=os.environ)
    assert sample.cpu > 0.3


def test_memory_is_that_of_all_processes_together(tmp_path: Path) -> None:
    held = "import time; block = bytearray(64 << 20); time.sleep(1)"
    two = (
        f"import subprocess, sys\nstarted = [subprocess.Popen([sys.executable, '-I', '-c', {held!r}]) for _ in '12']\n"
    )
    sample = measure(python(f"{two}for one in started: one.wait()"), cwd=tmp_path, environment=os.environ)
    assert sample.memory > 128 << 20


def test_a_command_that_fails_is_an_error_with_the_end_of_its_output(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match=r"(?s)failed with 3:\nthe reason"):
        measure(python("import sys; print('the reason'); sys.exit(3)"), cwd=tmp_path, environment=os.environ)
    with pytest.raises(BenchError, match="did not fail"):
        measure(python("pass"), cwd=tmp_path, environment=os.environ, fails=True)
