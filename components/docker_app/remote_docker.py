"""Docker on a host that is reached over ssh: runs its commands there, and asks its Engine API. No Pulumi here."""

import hashlib
import json
import shlex
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Self
from urllib.parse import urlsplit

from components.docker_app import engine_connection
from components.docker_app.control_folder import control_folder
from components.docker_app.engine_connection import LateAnswerError, NoAnswerError
from components.docker_app.listed_container import ListedContainer, read_listing
from components.docker_app.ssh_key import without_comment
from components.docker_app.ssh_options import ssh_options
from components.settings.docker_host import DockerHost

TIMEOUT_SECONDS = 30


class RemoteDockerError(Exception):
    """ssh, or Docker behind it, gave no answer: what was on standard error."""


class RemoteDockerTimeoutError(RemoteDockerError):
    """There was no answer in time."""


@dataclass(frozen=True, kw_only=True)
class ApiAnswer:
    """An answer of Docker's Engine API."""

    status: int
    """Of HTTP."""
    body: str
    version: str | None = None
    """The newest of the Engine API that the daemon has, such as 1.44; None if it does not say so."""

    @property
    def json(self) -> Any:  # noqa: ANN401 - what the API documents
        """The body, read as JSON."""
        return json.loads(self.body)

    @property
    def message(self) -> str | None:
        """Why Docker did not do it; None if it did."""
        if self.status < 400:
            return None
        with suppress(ValueError, KeyError, TypeError):
            return str(self.json["message"])
        return f"status {self.status}"


@dataclass(frozen=True, kw_only=True)
class RemoteDocker:
    """How ssh gets to the host. Settings has checked the values: none of them can be taken for an option."""

    address: str
    """ssh://USER@HOST or ssh://USER@HOST:PORT; HOST may be an alias of the user's ssh config."""
    host_key: str
    """The host's public key: TYPE BASE64, with or without its comment."""
    identity_file: str | None = None
    """Private key, in which ssh expands ~ and ${VARIABLE}; with None an agent's, or one of ssh's default files."""
    shares_connection: bool = True
    """Whether all commands of this process share a connection. If they do, ssh shows no errors of a jump host."""

    @classmethod
    def of(cls, block: DockerHost) -> Self:
        """The host that the block names."""
        return cls(address=block.address, host_key=block.host_key, identity_file=block.identity_file)

    @property
    def provider_options(self) -> list[str]:
        """Options for the ssh of the Docker provider: the same in every run, for they stand in the stack's state."""
        return ssh_options(without_comment(self.host_key), self.identity_file, None)

    @property
    def target(self) -> list[str]:
        """Where to, as arguments of ssh. With no port in the address, the user's ssh config has its say."""
        url = urlsplit(self.address)
        port = ["-p", str(url.port)] if url.port else []
        return [*port, "-l", url.username or "", "--", url.hostname or ""]

    def command(self, *arguments: str) -> list[str]:
        """The command that runs `docker ARGUMENTS` on the host."""
        # On the other side a shell takes the command apart again.
        return ["ssh", *self._options, *self.target, shlex.join(["docker", *arguments])]

    def dial(self, address: str) -> list[str]:
        """The command whose standard input and output are a connection from the host to HOST:PORT."""
        return ["ssh", *self._options, "-W", address, *self.target]

    @property
    def _options(self) -> list[str]:
        folder = control_folder() if self.shares_connection else None
        name = hashlib.sha256(f"{self.address} {self.host_key} {self.identity_file}".encode()).hexdigest()[:8]
        return ssh_options(without_comment(self.host_key), self.identity_file, str(folder / name) if folder else None)

    def run(self, *arguments: str, seconds: int | None = TIMEOUT_SECONDS) -> subprocess.CompletedProcess[str]:
        """Runs `docker ARGUMENTS` on the host; `seconds` is None for what may take any time."""
        done = subprocess.run(
            self.command(*arguments),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=seconds,
            check=False,
            # Without a terminal: the ssh of a jump host would ask there.
            start_new_session=True,
        )
        # Not as text, which would take a carriage return in a log for the end of a line.
        stdout, stderr = (stream.decode(errors="replace") for stream in (done.stdout, done.stderr))
        return subprocess.CompletedProcess(done.args, done.returncode, stdout=stdout, stderr=stderr)

    def request(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        seconds: int | None = TIMEOUT_SECONDS,
        *,
        may_repeat: bool = False,
    ) -> ApiAnswer:
        """Asks the Engine API; `seconds` is None for what may take any time. RemoteDockerError if there is no answer.

        `may_repeat` says that a POST may be sent twice, so that it needs no connection of its own.

        What is sent goes through ssh's standard input: no argument and no file of either machine holds it.
        """
        command = self.command("system", "dial-stdio")
        try:
            status, answer, version = engine_connection.ask(
                command, method, path, body, headers or {}, seconds, may_repeat=may_repeat
            )
        except LateAnswerError as error:
            raise RemoteDockerTimeoutError(str(error)) from error
        except NoAnswerError as error:
            raise RemoteDockerError(str(error)) from error
        return ApiAnswer(status=status, body=answer.decode(errors="replace").replace("\r\n", "\n"), version=version)

    def request_json(self, method: str, path: str, content: object) -> ApiAnswer:
        """The same, with JSON as body."""
        return self.request(method, path, json.dumps(content).encode(), {"Content-Type": "application/json"})

    def listing(self) -> tuple[ListedContainer, ...]:
        """Every container of the host, running or not. RemoteDockerError if Docker does not list them."""
        answer = self.request("GET", "/containers/json?all=true")
        if answer.message:
            raise RemoteDockerError(answer.message)
        return read_listing(answer.json)

    def running(self, label: str, value: str) -> list[str]:
        """Ids of the running containers with this label."""
        return self.run("ps", "--no-trunc", "--quiet", "--filter", f"label={label}={value}").stdout.split()

    def remove(self, container: str) -> None:
        """Removes a container that serves nobody, by its id, or by its name if that is known to be this stack's."""
        self.run("rm", "--force", container)

    def stop(self, container: str, grace_seconds: int) -> None:
        """Stops a container by its id, which has so much time to end. RemoteDockerError if Docker gives no answer."""
        # 304: it was stopped already.
        path, seconds = f"/containers/{container}/stop?t={grace_seconds}", grace_seconds + TIMEOUT_SECONDS
        self.request("POST", path, seconds=seconds, may_repeat=True)

    def stop_and_remove(self, container: str, grace_seconds: int) -> None:
        """Removes a container by its id, once it had time to end. RemoteDockerError if it is there still."""
        self.stop(container, grace_seconds)
        answer = self.request("DELETE", f"/containers/{container}?force=true")
        if answer.message and answer.status != HTTPStatus.NOT_FOUND:
            raise RemoteDockerError(answer.message)
