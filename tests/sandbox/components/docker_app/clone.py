"""A clone of the program with a stack on the tests' Docker host, and what that host says of its containers."""

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sandbox.machine.waiting import wait
from tests.support.docker_sandbox import HEALTHY, Sandbox
from tests.support.killed import forget_empty_attributes, kill
from tests.support.project import Project, Run

PUBLISHED = {"address": "127.0.0.1", "port": 18080}


class Clone:
    """A stack of a clone of the program, which is a folder with a state of its own."""

    def __init__(
        self, docker: Sandbox, folder: Path, engine: dict[str, str], stack: str = "test", **block: Any
    ) -> None:
        (folder / stack).mkdir(parents=True)
        (folder / "state").mkdir(exist_ok=True)
        self.docker = docker
        self.block = {
            "address": docker.docker.address,
            "hostKey": docker.docker.host_key,
            "identityFile": str(docker.docker.key),
            "stopSeconds": 3,
            "waitSeconds": 20,
            **block,
        }
        self.project = Project(folder / stack, engine | {"PULUMI_BACKEND_URL": (folder / "state").as_uri()}, stack)
        self.project.init()
        self.choose("1.0.0")

    def choose(self, version: str, check: tuple[str, ...] = HEALTHY, **block: Any) -> None:
        app = {"port": 8080, "memory": "64Mi", "health": {"command": list(check)}}
        # Tests go back and forth between the versions of the site.
        keys = {"image": self.docker.image(version), "rollback": True}
        self.project.configure({**keys, "app": app, "dockerHost": self.block | block})

    def up(self, *, fails: bool = False) -> str:
        return self._checked(self.project.pulumi("up", "--yes", "--skip-preview"), fails=fails)

    def preview(self, *options: str, fails: bool = False) -> str:
        return self._checked(self.project.pulumi("preview", *options), fails=fails)

    def container(self) -> str:
        """Id of the container of the last run that succeeded."""
        return str(json.loads(self.project.pulumi("stack", "output", "--json").stdout)["dockerHost"]["id"])

    def kill_once_created(self) -> None:
        """Runs `up`, and kills everything of it once there is one container more."""
        before = len(listing(self.docker))
        command = ["pulumi", "up", "--yes", "--skip-preview", "--non-interactive", "--stack", self.project.stack]
        null = subprocess.DEVNULL
        with subprocess.Popen(
            command, cwd=self.project.folder, env=self.project.environment, stdout=null, stderr=null
        ) as cli:
            assert wait(lambda: len(listing(self.docker)) > before, 120)
            kill(cli.pid)
        forget_empty_attributes(self.project)
        cancelled = self.project.run("pulumi", "cancel", "--yes", "--non-interactive", "--stack", self.project.stack)
        assert cancelled.code == 0, cancelled.text

    @staticmethod
    def _checked(run: Run, *, fails: bool) -> str:
        assert (run.code != 0) == fails, run.text
        assert "Traceback" not in run.text
        return re.sub(r"\s+", " ", run.text)


def listing(docker: Sandbox) -> list[Any]:
    found: list[Any] = docker.api("GET", "/containers/json?all=true")
    return found


def ids(docker: Sandbox) -> set[str]:
    return {container["Id"] for container in listing(docker)}


def running_version(docker: Sandbox, container: str) -> str:
    """The version of the site that a container was made from; empty if it does not run."""
    found = docker.api("GET", f"/containers/{container}/json")
    images = {docker.api("GET", f"/images/{docker.image(version)}/json")["Id"]: version for version in docker.digests}
    return images[found["Image"]] if found["State"]["Status"] == "running" else ""


def state(docker: Sandbox, container: str) -> str:
    return str(docker.api("GET", f"/containers/{container}/json")["State"]["Status"])


Make = Callable[..., Clone]
"""Makes a clone by its name, with keys of the block dockerHost."""
