"""The program as a user has it: a folder with the project's files, run by the real Pulumi CLI."""

import base64
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
STACKS = ROOT / "tests" / "support" / "stacks"
"""The example stacks as they are released: those in ROOT are whoever's who uses the program."""
FILES = ("Pulumi.yaml", "__main__.py", "components", "requirements.txt")
TIMEOUT_SECONDS = 3600


@dataclass(frozen=True, kw_only=True)
class Run:
    """What one command did."""

    code: int
    stdout: str
    stderr: str

    @property
    def text(self) -> str:
        return f"{self.stdout}\n{self.stderr}"


def run(*command: str, cwd: Path, env: Mapping[str, str], stdin: str | None = None) -> Run:
    """Runs a command to its end."""
    done = subprocess.run(
        command, cwd=cwd, env=env, input=stdin, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False
    )
    return Run(code=done.returncode, stdout=done.stdout, stderr=done.stderr)


def copy_program(folder: Path) -> None:
    """Copies the project's files into a folder."""
    for name in FILES:
        source = ROOT / name
        if source.is_dir():
            # With what is compiled of it, which goes by the times of the files: a first run compiles nothing. What
            # another process of the tests is writing is left out.
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("*.pyc.*"))
        else:
            shutil.copy(source, folder / name)


class Project:
    """A copy of the program in a folder of its own, with one stack."""

    def __init__(self, folder: Path, environment: Mapping[str, str], stack: str = "test") -> None:
        self.folder = folder
        self.environment = dict(environment)
        self.stack = stack
        self.runs: list[Run] = []
        copy_program(folder)
        # Where Pulumi.yaml says the virtual environment is.
        (folder / ".venv").symlink_to(sys.prefix)

    def configure(self, config: Mapping[str, Any]) -> None:
        """Writes the stack file; keys without a namespace are the project's own."""
        full = {key if ":" in key else f"gitlab-deploy:{key}": value for key, value in config.items()}
        (self.folder / f"Pulumi.{self.stack}.yaml").write_text(yaml.safe_dump({"config": full}))

    def edit(self, change: Callable[[dict[str, Any]], None]) -> None:
        """Changes the keys of the stack file; those of the project start with `gitlab-deploy:`."""
        file = self.folder / f"Pulumi.{self.stack}.yaml"
        document = yaml.safe_load(file.read_text())
        change(document.setdefault("config", {}))
        file.write_text(yaml.safe_dump(document))

    def set(self, path: str, value: str) -> None:
        """Writes into the stack file what `pulumi config set --path` would, without a run of it."""
        *parents, last = f"gitlab-deploy:{path}".split(".")

        def change(config: dict[str, Any]) -> None:
            for parent in parents:
                config = config.setdefault(parent, {})
            config[last] = yaml.safe_load(value)

        self.edit(change)

    def pulumi(self, *arguments: str, stdin: str | None = None) -> Run:
        """Runs the CLI on the stack and remembers what it printed."""
        return self.run("pulumi", *arguments, "--non-interactive", "--stack", self.stack, stdin=stdin)

    def run(self, *command: str, stdin: str | None = None, **environment: str) -> Run:
        """Runs any command in the folder, with the project's environment."""
        done = run(*command, cwd=self.folder, env=self.environment | environment, stdin=stdin)
        self.runs.append(done)
        return done

    def init(self) -> None:
        done = self.run("pulumi", "stack", "init", self.stack, "--non-interactive")
        assert done.code == 0, done.text

    def export(self) -> str:
        """The state as it is stored."""
        done = self.pulumi("stack", "export")
        assert done.code == 0, done.text
        return done.stdout


def leaks(secret: str, text: str) -> bool:
    """Whether a text holds a secret: as it is, or its base64, in whatever larger text was encoded.

    Base64 depends on where in a group of three bytes the secret starts, so each of the three is looked for, less the
    characters at both ends that depend on what stands beside it.
    """
    if secret in text:
        return True
    for offset in range(3):
        encoded = base64.b64encode(b"\0" * offset + secret.encode()).decode().rstrip("=")
        start = -(-offset * 8 // 6)
        if encoded[start:-1] in text:
            return True
    return False
