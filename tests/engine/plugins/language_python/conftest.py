"""A small program in a folder of its own, run by the real CLI from a shell with no virtual environment."""

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from sandbox.machine.waiting import wait
from tests.support.project import Run, run

SITE_PACKAGES = Path(pytest.__file__).parents[1]
SECONDS = 180


class Program:
    """A project whose virtual environment is that of the tests, with a stack and a state of its own."""

    def __init__(self, folder: Path, state: Path, engine: Mapping[str, str]) -> None:
        self.folder = folder
        inherited = {name: text for name, text in engine.items() if not name.startswith(("CI_", "GITLAB_", "PYTHON"))}
        inherited.pop("VIRTUAL_ENV")
        virtual = f"{sys.prefix}/bin"
        path = os.pathsep.join(entry for entry in engine["PATH"].split(os.pathsep) if entry != virtual)
        self.environment = {**inherited, "PATH": path, "PULUMI_BACKEND_URL": state.as_uri()}
        self.options("virtualenv: .venv")
        (folder / ".venv").symlink_to(sys.prefix)

    def options(self, *lines: str) -> None:
        """Write Pulumi.yaml with these runtime options."""
        given = "".join(f"    {line}\n" for line in lines)
        (self.folder / "Pulumi.yaml").write_text(f"name: small\nruntime:\n  name: python\n  options:\n{given}")

    def write(self, text: str) -> None:
        (self.folder / "__main__.py").write_text(text)

    def pulumi(self, *arguments: str, **environment: str) -> Run:
        command = ("pulumi", *arguments, "--non-interactive", "--color", "never")
        return run(*command, cwd=self.folder, env=self.environment | environment)

    def init(self) -> None:
        done = self.pulumi("stack", "init", "test")
        assert done.code == 0, done.text

    def outputs(self) -> dict[str, str]:
        done = self.pulumi("stack", "output", "--json")
        assert done.code == 0, done.text
        outputs: dict[str, str] = json.loads(done.stdout)
        return outputs

    @contextmanager
    def running(self) -> Iterator[tuple[subprocess.Popen[str], int]]:
        """`pulumi up` whose program has written its pid to the file `pid`: the CLI's process and that pid."""
        command = ["pulumi", "up", "--yes", "--skip-preview", "--non-interactive", "--color", "never"]
        pid = self.folder / "pid"
        with subprocess.Popen(
            command,
            cwd=self.folder,
            env=self.environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        ) as cli:
            try:
                assert wait(lambda: pid.exists() and pid.read_text().endswith("\n"), SECONDS)
                yield cli, int(pid.read_text())
            finally:
                cli.kill()


@pytest.fixture
def program(tmp_path: Path, engine: dict[str, str]) -> Program:
    folder, state = tmp_path / "project", tmp_path / "state"
    folder.mkdir()
    state.mkdir()
    made = Program(folder, state, engine)
    made.init()
    return made


@pytest.fixture
def packages(tmp_path: Path) -> dict[str, str]:
    """Variables with which pip installs from a folder alone: the packages `wheel` and `greeting` are there."""
    folder = tmp_path / "packages"
    folder.mkdir()
    for name in ("wheel", "greeting"):
        info = f"{name}-1.0.dist-info"
        with zipfile.ZipFile(folder / f"{name}-1.0-py3-none-any.whl", "w") as archive:
            archive.writestr(f"{name}.py", "")
            archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
            archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            archive.writestr(f"{info}/RECORD", "")
    # The SDK is not in that folder: a new virtual environment finds it here.
    return {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(folder), "PYTHONPATH": str(SITE_PACKAGES)}
