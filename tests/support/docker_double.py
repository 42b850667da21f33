"""Docker behind ssh, without either: it notes what it gets, and answers as a test says."""

import json
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from components.docker_app.remote_docker import ApiAnswer, RemoteDocker

HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIN1TP8Zk3fIPC98LZDnN3wH4hrQAwW1FW7pZb4FaV/b1"


def done(
    arguments: tuple[str, ...], stdout: str = "", stderr: str = "", code: int = 0
) -> subprocess.CompletedProcess[str]:
    return subprocess.CompletedProcess(arguments, code, stdout=stdout, stderr=stderr)


@dataclass(frozen=True, kw_only=True)
class DockerDouble(RemoteDocker):
    """`answer` gets the arguments of each command; `api` the method and path of each request."""

    address: str = "ssh://deploy@host"
    host_key: str = HOST_KEY
    answer: Callable[..., subprocess.CompletedProcess[str]] = lambda *arguments: done(arguments)
    api: Callable[[str, str], ApiAnswer] = lambda _method, _path: ApiAnswer(status=200, body="[]")
    commands: list[tuple[str, ...]] = field(default_factory=list)
    requests: list[tuple[str, str]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)

    def run(self, *arguments: str, seconds: int | None = 30) -> subprocess.CompletedProcess[str]:
        assert seconds is None or seconds > 0
        self.commands.append(arguments)
        return self.answer(*arguments)

    def request(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        seconds: int | None = None,
        *,
        may_repeat: bool = False,
    ) -> ApiAnswer:
        assert headers is not None or not body
        assert method == "POST" or not may_repeat
        assert seconds is None or seconds > 0
        self.requests.append((method, path))
        self.bodies.append(body)
        return self.api(method, path)


def listed(*containers: Mapping[str, object]) -> ApiAnswer:
    """The answer of `GET /containers/json`."""
    items = [{"Id": "0" * 64, "Names": [], "Labels": {}, **container} for container in containers]
    return ApiAnswer(status=200, body=json.dumps(items))
