"""Stacks on the sandbox's Docker host, load on its proxy over TLS, and faults of its services."""

import json
import re
import subprocess
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import gitlab

from sandbox.hosts.docker_host import DOCKER
from sandbox.instance import Instance
from sandbox.machine.host import Host
from sandbox.machine.process import Process
from sandbox.machine.state import State
from sandbox.machine.waiting import wait
from tests.support.background import Background
from tests.support.cluster import REPOSITORY, Stack, committed
from tests.support.processes import descendants
from tests.support.proxied import Answer, ask, ask_plain

HOST = "blog.example.org"
BROKEN_CHECK = ["wget", "-O", "/dev/null", "http://127.0.0.1:8080/nowhere"]


class DockerStack(Stack):
    """The committed stack without the cluster: `registry`, `app` and `dockerHost`."""

    def __init__(
        self, instance: Instance, folder: Path, environment: Mapping[str, str], name: str = "sandbox", **changes: Any
    ) -> None:
        """`changes` are to the block dockerHost; None takes a key out."""
        config = {key: value for key, value in committed().items() if key not in {"access", "kubernetes", "cluster"}}
        config["dockerHost"] = _merged(config["dockerHost"], {"address": instance.docker.address} | changes)
        self.config = config
        super().__init__(instance, folder, environment, name, config)
        self.owner = f"gitlab-deploy/{name}/web-{name}"

    def deploy(self, version: str) -> None:
        """Puts up another version of the site."""
        self.choose(version)
        self.up()

    def choose(self, version: str) -> None:
        """Writes another version of the site into the stack file."""
        self.edit(lambda config: config.update({"gitlab-deploy:image": f"{REPOSITORY}:{version}"}))

    def change(self, block: str = "dockerHost", **changes: Any) -> None:
        """Changes keys of a block in the stack file; None takes a key out."""
        key = f"gitlab-deploy:{block}"
        self.edit(lambda config: config.update({key: _merged(config[key], changes)}))

    def containers(self) -> list[str]:
        """Names of the stack's containers, whatever state they are in."""
        own = f"label=gitlab-deploy.stack={self.owner}"
        return self.on_host(*DOCKER, "ps", "--all", "--filter", own, "--format", "{{.Names}}").split()

    def inspect(self) -> Any:
        """The stack's one container."""
        (name,) = self.containers()
        return json.loads(self.on_host(*DOCKER, "inspect", name))[0]

    def on_host(self, *command: str | Path) -> str:
        """What a command prints that is run on the Docker host, not over ssh."""
        return host(self.instance).run(*command).strip()

    def forget_image(self, version: str) -> None:
        """Takes a version of the site from the Docker host, so that it has to be pulled."""
        image = f"{REPOSITORY}:{version}"
        if self.on_host(*DOCKER, "images", "--quiet", image):
            self.on_host(*DOCKER, "rmi", "--force", image)

    def deploy_tokens(self) -> dict[str, Any]:
        """The deploy tokens of the GitLab project that are this stack's, by name."""
        token = self.project.environment["GITLAB_TOKEN"]
        client = gitlab.Gitlab(self.instance.gitlab.url, private_token=token)
        project = client.projects.get("group/blog", lazy=True)
        prefix = f"gitlab-deploy-{self.project.stack}-"
        return {token.name: token for token in project.deploytokens.list(get_all=True) if token.name.startswith(prefix)}

    def resources(self) -> list[Any]:
        """What the state says of the stack's own resources, in no order that matters.

        Less the ciphertext of secrets, which is another one at every writing.
        """

        def plain(item: dict[str, Any]) -> dict[str, Any]:
            return {key: value for key, value in item.items() if key != "ciphertext"}

        state = json.loads(self.project.export(), object_hook=plain)
        resources: list[Any] = state["deployment"].get("resources", [])
        return sorted(resources, key=lambda resource: str(resource["urn"]))

    def password(self) -> str:
        """The deploy token's own value, from the state."""
        command = ["pulumi", "stack", "export", "--show-secrets", "--non-interactive", "--stack", self.project.stack]
        # Not one of the project's runs, whose output holds no secret.
        state = subprocess.run(
            command, cwd=self.project.folder, env=self.project.environment, capture_output=True, text=True, check=True
        ).stdout
        resources = json.loads(state)["deployment"]["resources"]
        (token,) = [entry["outputs"]["token"] for entry in resources if entry["urn"].endswith("::registry-token")]
        value: str = json.loads(token["plaintext"])
        return value

    def wait_for(self, version: str, host: str = HOST) -> None:
        """Until the site is this version, each time: for two seconds the proxy may ask a container that is gone."""
        assert wait(lambda: all(self.site(host) == version for _ in range(20)), 60), self.site(host)

    def site(self, host: str = HOST) -> str:
        """What the site answers through the proxy."""
        return ask(self.instance.docker, host).body


class Load(Background):
    """Requests at a fixed pace, however long an answer takes, from the start of the block to its end."""

    def __init__(
        self,
        instance: Instance,
        rate: int = 25,
        address: str = "",
        *,
        host: str = HOST,
        path: str = "/version.txt",
    ) -> None:
        """Of a site behind the proxy, or at another address, without TLS."""
        self._ask = partial(ask_plain, address) if address else partial(ask, instance.docker, host, path)
        self._rate = rate
        self.answers: list[Answer] = []
        super().__init__()

    @property
    def failed(self) -> list[Answer]:
        """Requests with no answer, or another than the site's own."""
        return [answer for answer in self.answers if answer.status != 200]

    def versions(self, after: float, before: float) -> set[str]:
        """The versions that answered requests sent between two moments."""
        return {answer.body for answer in self.answers if after < answer.asked < before}

    def _run(self) -> None:
        with ThreadPoolExecutor(64) as pool:
            following = time.monotonic()
            while not self._end.wait(max(0.0, following - time.monotonic())):
                pool.submit(lambda: self.answers.append(self._ask()))
                following += 1 / self._rate


def host(instance: Instance) -> Host:
    """The Docker host, to run commands in."""
    return Host("docker", instance.folder, State(instance.folder / "state.json"))


def kill(instance: Instance, service: str) -> None:
    """Ends a service of the Docker host and the processes it started; `instance.docker.start` brings it back."""
    process = State(instance.folder / "state.json").process(f"docker/{service}")
    assert process, f"{service} does not run"
    for pid in (process.pid, *descendants(process.pid)):
        try:
            Process.of(pid).kill()
        except ProcessLookupError:
            continue


def logins(instance: Instance) -> int:
    """How many ssh connections the Docker host has accepted so far."""
    return (instance.folder / "log" / "sshd.log").read_text().count("Accepted publickey for deploy")


def connections(instance: Instance) -> int:
    """How many ssh connections of the user the Docker host has at this moment."""
    # proc_net(5): local address and port, remote ones, state; port 22, established.
    return len(re.findall(r":0016 \S+ 01 ", host(instance).run("cat", "/proc/net/tcp")))


def _merged(block: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in {**block, **changes}.items() if value is not None}
