"""The host that is GitLab to everybody: its API (a double), and where its container registry is."""

import secrets
import sys
from functools import partial
from pathlib import Path

from sandbox.gitlab.seed import seed
from sandbox.machine.files import write
from sandbox.machine.host import Host, Service
from sandbox.machine.network import Network
from sandbox.machine.probe import answers
from sandbox.names import REGISTRY, ROOT
from sandbox.toolchain.images import Credentials


class GitLabHost:
    """GitLab's API, on port 80, plain HTTP."""

    def __init__(self, host: Host, network: Network) -> None:
        """GitLab in `host`."""
        self._host = host
        self._address = network.address("gitlab")
        self._registry_address = network.address("registry")
        self.data = host.data / "api"
        """Where the API keeps its data."""
        self.token = host.data / "token"
        """File with the personal access token of the project's maintainer."""

    @property
    def url(self) -> str:
        """Where GitLab is."""
        return f"http://{self._address}"

    @property
    def registry(self) -> str:
        """Where the registry is: HOST:PORT. The cluster and the Docker host know it as `runtime.REGISTRY`."""
        return f"{self._registry_address}:80"

    @property
    def credentials(self) -> Credentials:
        """The project's maintainer, as the registry knows people."""
        return Credentials("maintainer", self.token.read_text(encoding="utf-8").strip())

    def start(self) -> None:
        """Have the API running, with project group/blog and its maintainer's token."""
        if not self.token.exists():
            write(self.token, f"glpat-{secrets.token_urlsafe(15)}\n")
        self.data.mkdir(mode=0o700, exist_ok=True)
        seed(self.data, token_file=self.token, registry=REGISTRY)
        options: list[str | Path] = ["--host", self._address, "--port", "80", "--data", self.data]
        command: list[str | Path] = [sys.executable, "-m", "sandbox.gitlab", *options]
        ready = partial(answers, f"{self.url}/api/v4/version")
        self._host.serve(Service("gitlab", command, ready, environment={"PYTHONPATH": str(ROOT)}))
