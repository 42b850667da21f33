"""The command line."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.project import ROOT


@pytest.mark.parametrize("missing", ["gitlab", "detect_secrets"])
def test_a_missing_package_is_one_sentence_with_the_command_that_installs_it(tmp_path: Path, missing: str) -> None:
    """Python as after `pip install -r requirements.txt` alone."""
    (tmp_path / "sitecustomize.py").write_text(f"import sys\nsys.modules[{missing!r}] = None\n")
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    command = [sys.executable, "-m", "ops", "review", "prod=plan.json"]
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert ended.stderr == (
        f"error: The Python package {missing} is not installed; run 'python -m pip install -r requirements.txt"
        " -r ops/requirements.txt'\n"
    )
