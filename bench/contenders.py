"""Pulumi programs that are measured: this project's own and the flat one, on the same sandbox, each with a state."""

import json
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from bench.sample import BenchError, Sample, measure, plain_environment, quietly
from sandbox.instance import Instance
from tests.support.counts import Servers
from tests.support.project import Project

REPOSITORY = "registry.sandbox.test/group/blog"
FLAT, FLAT_DOCKER = (Path(__file__).with_name(name) for name in ("flat", "flat_docker"))


class Program:
    """A Pulumi program with one stack, in a folder and a state of its own."""

    def __init__(self, instance: Instance, folder: Path, stack: str) -> None:
        self._folder = folder
        self._stack = stack
        self.servers = Servers(instance)
        state = folder.with_name(f"{folder.name}-state")
        state.mkdir(parents=True)
        self.environment = plain_environment(instance.environment()) | {"PULUMI_BACKEND_URL": state.as_uri()}

    def configure(self, config: Mapping[str, Any]) -> None:
        """Writes the stack file, and makes the stack."""
        self._file.write_text(yaml.safe_dump({"config": dict(config)}), encoding="utf-8")
        quietly(
            ["pulumi", "stack", "init", self._stack, "--non-interactive"],
            cwd=self._folder,
            environment=self.environment,
        )

    def set(self, key: str, value: object) -> None:
        """Changes a key of the stack file."""
        document = yaml.safe_load(self._file.read_text(encoding="utf-8"))
        document["config"][key] = value
        self._file.write_text(yaml.safe_dump(document), encoding="utf-8")

    def run(self, *arguments: str, fails: bool = False, **variables: str) -> Sample:
        """Measures a command of the CLI, in an environment with these variables."""
        command = ["pulumi", *arguments, "--non-interactive", "--stack", self._stack]
        environment = self.environment | variables
        return measure(command, cwd=self._folder, environment=environment, servers=self.servers, fails=fails)

    def preview(self) -> Sample:
        """Measures a preview."""
        return self.run("preview")

    def up(self, *, fails: bool = False) -> Sample:
        """Measures an `up`."""
        return self.run("up", "--yes", "--skip-preview", fails=fails)

    def refresh(self) -> Sample:
        """Measures an `up` that reads every resource first."""
        return self.run("up", "--yes", "--skip-preview", "--refresh")

    def destroy(self) -> Sample:
        """Measures a `destroy`."""
        return self.run("destroy", "--yes", "--skip-preview")

    def resources(self) -> list[dict[str, Any]]:
        """What the state has, but for components and what is Pulumi's own."""
        exported = quietly(
            ["pulumi", "stack", "export", "--stack", self._stack], cwd=self._folder, environment=self.environment
        )
        found: list[dict[str, Any]] = json.loads(exported)["deployment"].get("resources", [])
        return [one for one in found if one.get("custom") and not one["type"].startswith("pulumi:")]

    @property
    def state_bytes(self) -> int:
        """The size of the stored state."""
        state = self._folder.with_name(f"{self._folder.name}-state") / ".pulumi" / "stacks"
        return max((file.stat().st_size for file in state.rglob("*.json")), default=0)

    @property
    def _file(self) -> Path:
        return self._folder / f"Pulumi.{self._stack}.yaml"


class Ours(Program):
    """The program of this project."""

    def __init__(self, instance: Instance, folder: Path, stack: str, config: Mapping[str, Any]) -> None:
        folder.mkdir(parents=True)
        super().__init__(instance, folder, stack)
        Project(folder, self.environment, stack)
        self.configure({f"gitlab-deploy:{key}": value for key, value in config.items()})

    def choose(self, version: str) -> None:
        """Writes another image into the stack file, given as a whole or by its version."""
        self.set("gitlab-deploy:image", _image(version))


class Flat(Program):
    """A flat program."""

    def __init__(
        self, instance: Instance, folder: Path, stack: str, config: Mapping[str, Any], program: Path = FLAT
    ) -> None:
        shutil.copytree(program, folder)
        (folder / ".venv").symlink_to(sys.prefix)
        super().__init__(instance, folder, stack)
        self.configure({f"flat:{key}": value for key, value in config.items()})

    def choose(self, version: str) -> None:
        """Writes another image into the stack file, given as a whole or by its version."""
        self.set("flat:image", _image(version))


def _image(version: str) -> str:
    return version if "/" in version else f"{REPOSITORY}:{version}"


def require_same_kinds(ours: Ours, flat: Flat, package: str = "") -> None:
    """BenchError if the programs do not make the same kinds of resources, or the same of one package."""
    kinds = [
        sorted(resource["type"] for resource in program.resources() if resource["type"].startswith(package))
        for program in (ours, flat)
    ]
    if kinds[0] != kinds[1]:
        raise BenchError(f"The flat program does not make what this one makes: {kinds[1]}, and {kinds[0]}")
