"""The GitLab double for tests: a process of its own on a free port of 127.0.0.1, with its data below a directory."""

import http.client
import json
import re
import secrets
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gitlab

from sandbox.gitlab.auth import MAINTAINER
from sandbox.gitlab.records import Project
from sandbox.gitlab.seed import add_job_token, add_token, seed
from sandbox.gitlab.store import Store
from tests.support.project import ROOT

DEADLINE = 60.0


@dataclass(frozen=True)
class Reply:
    """A reply as it came over the wire; header names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """Return the body parsed."""
        return json.loads(self.body)


class GitLabDouble:
    """A running double with the project `group/blog` (id 20) and a Maintainer's token of scope `api`."""

    def __init__(self, directory: Path, *arguments: str) -> None:
        """Starts it with these arguments of `python -m sandbox.gitlab` beside its own."""
        self.arguments = arguments
        self.data = directory / "gitlab"
        self.log_file = directory / "gitlab.log"
        token_file = directory / "gitlab.token"
        token_file.touch(mode=0o600)
        token_file.write_text(new_token_text())
        self.token = token_file.read_text()
        self.port = 0
        seed(self.data, token_file=token_file)
        self.start()

    def start(self) -> None:
        """Start it, on the same port as before if it ran already, and wait until it listens."""
        command = [
            sys.executable,
            "-m",
            "sandbox.gitlab",
            "--host",
            "127.0.0.1",
            "--port",
            str(self.port),
            *self.arguments,
        ]
        offset = self.log_file.stat().st_size if self.log_file.exists() else 0
        with self.log_file.open("ab") as log:
            self.process = subprocess.Popen(
                [*command, "--data", str(self.data)], cwd=ROOT, stdout=log, stderr=subprocess.STDOUT
            )
        deadline = time.monotonic() + DEADLINE
        while not (listening := re.search(r"^listening on (http://.*:(\d+))\n", self.log()[offset:], re.MULTILINE)):
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise RuntimeError(f"the GitLab double did not start: {self.log()[offset:]}")
            time.sleep(0.01)
        self.url, self.port = listening[1], int(listening[2])

    def stop(self) -> None:
        """Terminate it and wait until it is gone."""
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait(DEADLINE)

    def kill(self) -> None:
        """Kill it, as with kill -9, and wait until it is gone."""
        self.process.kill()
        self.process.wait(DEADLINE)

    def log(self) -> str:
        """Return everything it has printed."""
        return self.log_file.read_text()

    def new_token(
        self,
        access_level: int = MAINTAINER,
        *,
        path: str = "group/blog",
        scopes: tuple[str, ...] = ("api",),
        revoked: bool = False,
        expires_at: str | None = None,
    ) -> str:
        """Return a new token, of a new bot with this role on the group or project at `path`; see seed.add_token."""
        text, store = new_token_text(), Store(self.data)
        try:
            username = f"bot_{secrets.token_hex(4)}"
            add_token(
                store,
                text,
                username=username,
                path=path,
                access_level=access_level,
                scopes=scopes,
                revoked=revoked,
                expires_at=expires_at,
                bot=True,
            )
        finally:
            store.close()
        return text

    def new_job_token(self, access_level: int = MAINTAINER, *, path: str = "group/blog") -> str:
        """Return the CI_JOB_TOKEN of a new job in the project at `path`, started by a new user with this role there."""
        text, store = new_job_token_text(), Store(self.data)
        try:
            add_job_token(store, text, username=f"user_{secrets.token_hex(4)}", path=path, access_level=access_level)
        finally:
            store.close()
        return text

    def client(self, token: str | None = None) -> gitlab.Gitlab:
        """Return a python-gitlab client, with the Maintainer's token where none is given."""
        return gitlab.Gitlab(self.url, private_token=token or self.token)

    def request(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> "Reply":
        """Send one request as it is given, with no token of its own, and return the reply byte for byte."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE)
        try:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            return Reply(response.status, {name.lower(): text for name, text in response.getheaders()}, response.read())
        finally:
            connection.close()

    def faults(self, *entries: dict[str, object]) -> None:
        """Replace the list of faults; an entry is as sandbox/gitlab/faults.py describes it."""
        reply = self.request("PUT", "/-/sandbox/faults", json.dumps(entries).encode())
        if reply.status != 204:
            raise ValueError(reply.body.decode())


class Api:
    """Raw requests on one project with its Maintainer's token."""

    def __init__(self, double: GitLabDouble, token: str, project_path: str) -> None:
        self.double = double
        self.headers = {"PRIVATE-TOKEN": token}
        self.base = f"/api/v4/projects/{project_path.replace('/', '%2F')}"

    def __call__(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        content_type: str = "application/json",
        token: str | None = None,
    ) -> Reply:
        headers = {"PRIVATE-TOKEN": token} if token is not None else self.headers
        headers = {name: text for name, text in headers.items() if text}
        return self.double.request(method, self.base + path, body, headers | {"Content-Type": content_type})


def refused(action: Callable[[], object]) -> tuple[int, Any]:
    """Do something that GitLab must refuse; return status and body as python-gitlab saw them."""
    try:
        action()
    except gitlab.GitlabError as problem:
        body = problem.response_body
        return problem.response_code or 0, json.loads(body or b"null")
    raise AssertionError("GitLab did not refuse")


def add_project(store: Store, path: str, *, visibility: str = "private") -> Project:
    """Add a project and return it with its id."""
    created_at = "2026-01-01T00:00:00.000Z"
    prefix = f"registry.example.com/{path}"
    return store.add(Project(path=path, name="app", visibility=visibility, image_prefix=prefix, created_at=created_at))


def new_token_text() -> str:
    """Return a fresh text in the form of a personal access token."""
    return f"glpat-{secrets.token_urlsafe(15)}"


def new_job_token_text() -> str:
    """Return a fresh text in the form of a CI_JOB_TOKEN since GitLab 19.0: a signed JSON Web Token, about 1 KB long."""
    header, claims, signature = (secrets.token_urlsafe(length) for length in (60, 450, 256))
    return f"glcbt-{header}.{claims}.{signature}"
