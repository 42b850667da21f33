"""A stack put up on the sandbox, and the questions tests ask about it."""

import base64
import json
import os
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import gitlab
import yaml

from sandbox.instance import Instance
from sandbox.machine.waiting import wait
from tests.support.project import ROOT, Project, Run, run

REPOSITORY = "registry.sandbox.test/group/blog"


class Stack:
    """The committed stack `sandbox`, changed by a test, in a folder and a state of its own."""

    def __init__(
        self, instance: Instance, folder: Path, environment: Mapping[str, str], name: str, config: Mapping[str, Any]
    ) -> None:
        """A stack called `name` with these keys of the project; it is not put up by this.

        Its state is a file in the folder, unless the environment says where it is.
        """
        self.instance = instance
        state = folder / "state"
        state.mkdir(parents=True, exist_ok=True)
        program = folder / name
        program.mkdir()
        elsewhere = environment["PULUMI_BACKEND_URL"].startswith("s3://")
        backend = {} if elsewhere else {"PULUMI_BACKEND_URL": state.as_uri()}
        self.project = Project(program, {**environment, **backend}, stack=name)
        # Tests go back and forth between the versions of the site.
        self.project.configure({"rollback": True, **config, "gitlabUrl": instance.gitlab.url})
        self.project.init()

    def up(self, *arguments: str) -> Run:
        run = self.project.pulumi("up", "--yes", "--skip-preview", *arguments)
        assert run.code == 0, run.text
        return run

    def destroy(self) -> None:
        run = self.project.pulumi("destroy", "--yes", "--skip-preview")
        assert run.code == 0, run.text

    def set(self, path: str, value: str) -> None:
        self.project.set(path, value)

    def edit(self, change: Callable[[dict[str, Any]], None]) -> None:
        self.project.edit(change)

    def summary(self, *arguments: str) -> dict[str, list[str]]:
        """What a preview would do: logical names by operation, those that stay as they are or are read left out."""
        run = self.project.pulumi("preview", "--json", *arguments)
        assert run.code == 0, run.text
        found: dict[str, list[str]] = {}
        for step in json.loads(run.stdout)["steps"]:
            if step["op"] not in {"same", "read"}:
                found.setdefault(step["op"], []).append(step["urn"].rpartition("::")[2])
        return found


def committed() -> dict[str, Any]:
    """The project's keys of the committed stack `sandbox`."""
    config: dict[str, Any] = yaml.safe_load((ROOT / "Pulumi.sandbox.yaml").read_text())["config"]
    return {key.removeprefix("gitlab-deploy:"): value for key, value in config.items()}


Make = Callable[..., Stack]
"""Makes a stack by its name, with the blocks of the committed one that are named and these keys or keys of blocks."""


def kubectl(instance: Instance, *arguments: str) -> str:
    """What kubectl prints, as the cluster's administrator."""
    done = run("kubectl", *arguments, cwd=Path.cwd(), env=os.environ | instance.environment())
    assert done.code == 0, done.text
    return done.stdout


class Deployed(Stack):
    """The committed stack, with the addresses of a test's sandbox."""

    def __init__(
        self,
        instance: Instance,
        folder: Path,
        environment: Mapping[str, str],
        namespace: str = "example",
        *,
        docker: bool = False,
        rollback: bool = True,
    ) -> None:
        """With or without the Docker host. The variables have the scope of a namespace other than `example`."""
        config = committed() | {"rollback": rollback}
        if namespace != "example":
            config["access"]["environment"] = namespace
        config["access"] |= {"server": f"https://{instance.network.address('node')}:6443", "namespace": namespace}
        config["dockerHost"]["address"] = instance.docker.address
        if not docker:
            del config["dockerHost"]
        super().__init__(instance, folder, environment, "sandbox", config)
        self.namespace = namespace

    def kubectl(self, *arguments: str, kubeconfig: Path | None = None) -> Run:
        """kubectl as the cluster's administrator, or with another kubeconfig."""
        environment = {"KUBECONFIG": str(kubeconfig)} if kubeconfig else {}
        return self.project.run("kubectl", *arguments, **environment)

    def get(self, kind: str, name: str) -> Any:
        run = self.kubectl("get", kind, name, "-n", self.namespace, "-o", "json")
        assert run.code == 0, run.text
        return json.loads(run.stdout)

    def token(self) -> str:
        """The ServiceAccount's token, from the cluster."""
        secret = f"gitlab-example-token-{self.access['rotation']}"
        return base64.b64decode(self.get("secret", secret)["data"]["token"]).decode()

    @property
    def access(self) -> dict[str, Any]:
        """The block `access` of the stack file as it is now."""
        file = self.project.folder / f"Pulumi.{self.project.stack}.yaml"
        block: dict[str, Any] = yaml.safe_load(file.read_text())["config"]["gitlab-deploy:access"]
        return block

    def address(self) -> str:
        """The Service's own address."""
        found: str = self.get("service", "web")["spec"]["clusterIP"]
        return found

    def output(self, name: str) -> Any:
        """One of the stack's outputs; None where it has none of that name."""
        run = self.project.pulumi("stack", "output", "--json")
        assert run.code == 0, run.text
        return json.loads(run.stdout).get(name)

    def site(self, path: str = "/version.txt") -> str:
        """What the site answers at the Service's own address."""
        with urllib.request.urlopen(f"http://{self.address()}{path}", timeout=10) as response:
            body: bytes = response.read()
        return body.decode().strip()

    def serves(self, version: str) -> bool:
        """Whether the site answers with this version, as soon as the node's rules for its Service say so."""
        return wait(lambda: self.site() == version, 30)

    def variables(self) -> dict[str, Any]:
        """The variables of the GitLab project that have the scope of the stack's environment, by key."""
        token = self.project.environment["GITLAB_TOKEN"]
        client = gitlab.Gitlab(self.instance.gitlab.url, private_token=token)
        project = client.projects.get("group/blog", lazy=True)
        scope = self.access["environment"]
        found = project.variables.list(get_all=True)
        return {variable.key: variable for variable in found if variable.environment_scope == scope}
