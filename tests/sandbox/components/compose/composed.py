"""A clone of the program whose stack is a compose file on the tests' Docker host."""

import json
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sandbox.example import images as site
from sandbox.names import REGISTRY
from sandbox.toolchain.images import File, build
from tests.sandbox.components.docker_app.clone import listing
from tests.support.compose_stack import ENTRYPOINT
from tests.support.docker_sandbox import Sandbox
from tests.support.project import Project, Run


class Composed:
    """A stack of a compose file, in a folder with a state of its own."""

    def __init__(
        self,
        docker: Sandbox,
        folder: Path,
        engine: Mapping[str, str],
        text: str,
        files: Mapping[str, str] | None = None,
        **block: Any,
    ) -> None:
        """`block` are further keys of dockerHost; the files are beside the compose file."""
        (folder / "program").mkdir(parents=True)
        (folder / "state").mkdir()
        self.docker = docker
        self._block = {
            "address": docker.docker.address,
            "hostKey": docker.docker.host_key,
            "identityFile": str(docker.docker.key),
            "compose": ["compose.yml"],
            "project": (name := f"shop-{secrets.token_hex(2)}"),
            "waitSeconds": 20,
            **block,
        }
        self.name = name
        """Of the compose project."""
        self.project = Project(folder / "program", {**engine, "PULUMI_BACKEND_URL": (folder / "state").as_uri()})
        for name, content in {"compose.yml": text, **(files or {})}.items():
            (self.project.folder / name).write_text(content)
        self.project.init()
        self.choose("1.0.0")

    def choose(self, version: str, image: str | None = None) -> None:
        """Writes another version of the site, or another image, into the stack file."""
        keys = {
            "image": image or self.docker.image(version),
            "rollback": True,
            "app": {"env": {"OTHER": other(self.docker)}},
        }
        self.project.configure({**keys, "dockerHost": self._block})

    def replace(self, old: str, new: str) -> None:
        """Changes a text in the compose file."""
        file = self.project.folder / "compose.yml"
        text = file.read_text()
        assert old in text
        file.write_text(text.replace(old, new))

    def up(self, *options: str, fails: bool = False) -> Run:
        return self._checked(self.project.pulumi("up", "--yes", "--skip-preview", *options), fails=fails)

    def preview(self, *options: str) -> Run:
        return self._checked(self.project.pulumi("preview", *options))

    def destroy(self) -> None:
        self._checked(self.project.pulumi("destroy", "--yes", "--skip-preview"))
        assert listing(self.docker) == []

    def ids(self) -> dict[str, str]:
        """The ids of the containers of the last run that succeeded, by service."""
        outputs = json.loads(self.project.pulumi("stack", "output", "--json").stdout)
        return {name: str(service["id"]) for name, service in outputs["compose"]["services"].items()}

    def inspect(self, service: str) -> Any:
        """What Docker says of the container of a service."""
        return self.docker.api("GET", f"/containers/{self.ids()[service]}/json")

    @staticmethod
    def _checked(run: Run, *, fails: bool = False) -> Run:
        assert (run.code != 0) == fails, run.text
        assert "Traceback" not in run.text
        return run


def other(docker: Sandbox) -> str:
    """The image that stands for a database: of another repository than the site's."""
    return publish(docker, "other:1", f"{site.SERVER}{ENTRYPOINT}", site.server_files())


def publish(docker: Sandbox, name: str, definition: str, files: Mapping[str, File]) -> str:
    """Has an image in the registry; its reference."""
    build(definition, files).push(f"{docker.network.address('registry')}:80", name)
    return f"{REGISTRY}/{name}"
