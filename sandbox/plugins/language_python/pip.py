"""The toolchain pip: the interpreter of a program, its environment, and how both are made."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sandbox.plugins.language_python.children import Children, output
from sandbox.plugins.language_python.host_error import HostError
from sandbox.plugins.language_python.options import Options

Printed = tuple[bool, bytes]
"""Whether it goes to stderr, and what."""


@dataclass(frozen=True)
class Pip:
    """The virtual environment of a project, or the ambient Python if it names none."""

    options: Options
    children: Children

    @property
    def folder(self) -> Path | None:
        """Of the virtual environment, relative to the project file; None for the ambient Python."""
        return self.options.root / self.options.virtualenv if self.options.virtualenv else None

    @property
    def interpreter(self) -> str:
        """The program's Python. HostError if the machine has none."""
        return str(self.folder / "bin" / "python") if self.folder else _ambient()

    def environment(self) -> dict[str, str]:
        """The host's own, with the virtual environment activated."""
        inherited = dict(os.environ)
        if not self.folder:
            return inherited
        inherited.pop("PYTHONHOME", None)
        path = os.pathsep.join(filter(None, (str(self.folder / "bin"), inherited.get("PATH"))))
        return {**inherited, "PATH": path, "VIRTUAL_ENV": str(self.folder)}

    def validate(self) -> None:
        """HostError if the virtual environment is missing, with the commands that make it."""
        if not self.folder or Path(self.interpreter).is_file():
            return
        problem = "doesn't appear to be a virtual environment" if self.folder.exists() else "doesn't exist"
        raise HostError(
            f'The \'virtualenv\' option in Pulumi.yaml is set to "{self.options.virtualenv}", but "{self.folder}" '
            f"{problem}; run the following commands to create the virtual environment and install dependencies into "
            f"it:\n\n    1. python3 -m venv {self.folder}\n"
            f"    2. {self.interpreter} -m pip install --upgrade pip setuptools wheel\n"
            f"    3. {self.interpreter} -m pip install -r requirements.txt"
        )

    @property
    def missing(self) -> bool:
        """Whether the virtual environment has to be made first: its folder does not exist, or is empty."""
        if not self.folder:
            return False
        if self.folder.exists() and not self.folder.is_dir():
            raise HostError(
                f"the 'virtualenv' option in Pulumi.yaml is set to \"{self.folder}\" but it is not a directory"
            )
        return not self.folder.exists() or not any(self.folder.iterdir())

    def install(self, program: Path) -> Iterator[Printed]:
        """Make the virtual environment and install the program's requirements.txt, with what is printed meanwhile."""
        if self.folder:
            yield False, b"Creating virtual environment...\n"
            yield from self._print(
                [_ambient(), "-m", "venv", str(self.folder)], program, "creating virtual environment"
            )
            yield False, b"Finished creating virtual environment\n"
        yield False, b"Updating pip, setuptools, and wheel in virtual environment...\n"
        install = [self.interpreter, "-m", "pip", "install"]
        tools = ["--upgrade", "pip", "setuptools", "wheel"]
        yield from self._print([*install, *tools], program, "updating pip, setuptools, and wheel")
        yield False, b"Finished updating\n"
        if (program / "requirements.txt").exists():
            yield False, b"Installing dependencies in virtual environment...\n"
            yield from self._print([*install, "-r", "requirements.txt"], program, "installing dependencies")
            yield False, b"Finished installing dependencies\n"

    def search_path(self) -> list[str]:
        """Where the program's Python looks for packages."""
        return self.ask("-c", "import sys; print(*sys.path, sep='\\n')").splitlines()

    def ask(self, *arguments: str) -> str:
        """What the interpreter prints. HostError if it fails."""
        command = [self.interpreter, *arguments]
        done = subprocess.run(command, env=self.environment(), capture_output=True, text=True, check=False)
        if done.returncode:
            raise HostError(f"`{' '.join(command)}` gave {done.returncode}: {done.stderr.strip()}")
        return done.stdout.strip()

    def _print(self, command: list[str], folder: Path, what: str) -> Iterator[Printed]:
        with self.children.run(command, self.environment(), folder, captured=True) as child:
            yield from output(child)
            code = child.wait()
        if code:
            raise HostError(f"{what} via '{' '.join(command)}': exit status {code}")


def _ambient() -> str:
    names = [own] if (own := os.environ.get("PULUMI_PYTHON_CMD")) else ["python3", "python"]
    for name in names:
        if found := shutil.which(name):
            return found
    listed = " ".join(f'"{name}"' for name in names)
    raise HostError(f"failed to locate any of [{listed}] on your PATH. Have you installed Python 3.6 or greater?")
