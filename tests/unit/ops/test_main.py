"""The command line."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ops.__main__ import COMMANDS
from tests.support.project import ROOT


@pytest.mark.parametrize(("command", "missing"), [("verify", "gitlab"), ("review", "detect_secrets")])
def test_a_missing_package_is_one_sentence_with_the_command_that_installs_it(
    tmp_path: Path, command: str, missing: str
) -> None:
    """Python as after `pip install -r requirements.txt` alone."""
    (tmp_path / "sitecustomize.py").write_text(f"import sys\nsys.modules[{missing!r}] = None\n")
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    run = [sys.executable, "-m", "ops", command]
    ended = subprocess.run(run, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert ended.stderr == (
        f"error: The Python package {missing} is not installed; run 'python -m pip install -r requirements.txt"
        " -r ops/requirements.txt'\n"
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_command_that_a_signal_ends_leaves_no_credential_and_no_traceback(
    tmp_path: Path, number: signal.Signals
) -> None:
    code = """\
import signal, sys
from ops.__main__ import main
from ops.commands import status
from ops.gitlab.credential import Variable, as_job
def run(_):
    with as_job(Variable(value="apiVersion: v1", variable_type="file", masked=True, protected=True), "file"):
        print("ready", flush=True)
        signal.pause()
status.run = run
sys.exit(main())
"""
    command = [sys.executable, "-c", code, "status"]
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=pipe, stderr=pipe, text=True) as running:
        assert running.stdout
        assert running.stdout.readline() == "ready\n"
        assert list(tmp_path.iterdir())
        running.send_signal(number)
        assert running.communicate(timeout=60) == ("", "")
    assert running.returncode == 128 + number
    assert list(tmp_path.iterdir()) == []


def listed(*arguments: str) -> tuple[str, set[str]]:
    """What the command line prints, and the modules it has loaded then."""
    code = """\
import contextlib, json, sys
from ops.__main__ import main
with contextlib.suppress(SystemExit):
    main()
print(json.dumps(list(sys.modules)))
"""
    command = [sys.executable, "-c", code, *arguments]
    printed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    text, _, modules = printed.rstrip("\n").rpartition("\n")
    return text, set(json.loads(modules))


def test_every_command_is_listed_and_none_is_loaded_for_it() -> None:
    text, modules = listed("--help")
    assert not [name for name in COMMANDS if f"    {name} " not in text]
    assert not [name for name in modules if name.startswith("ops.commands.")]


@pytest.mark.parametrize("command", ["drift", "graph", "lock", "note", "review", "shell", "status", "sweep", "verify"])
def test_a_command_that_declares_nothing_loads_no_other_and_no_pulumi(command: str) -> None:
    text, modules = listed(command, "--help")
    assert f"usage: python -m ops {command} " in text
    assert f"ops.commands.{command}" in modules
    assert not modules & {"ops.commands.adopt", "ops.commands.doctor"}
    assert not [name for name in modules if name.partition("_")[0].partition(".")[0] == "pulumi"]
