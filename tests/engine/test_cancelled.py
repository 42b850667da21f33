"""A run that is cancelled ends with no traceback of the program, which the engine interrupts, and leaves nothing."""

import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sandbox.machine.waiting import wait
from tests.support.docker_double import HOST_KEY
from tests.support.processes import descendants, runs
from tests.support.project import Project

SECONDS = 180


def program_of(cli: int) -> int | None:
    """The process in which the program of a running `pulumi` runs."""
    for pid in descendants(cli):
        words = Path(f"/proc/{pid}/cmdline")
        if runs(pid) and b"--monitor" in words.read_bytes():
            return pid
    return None


@pytest.fixture
def project(tmp_path: Path, engine: dict[str, str]) -> Project:
    folder, state = tmp_path / "project", tmp_path / "state"
    folder.mkdir()
    state.mkdir()
    project = Project(folder, engine | {"PULUMI_BACKEND_URL": state.as_uri(), "GITLAB_TOKEN": "glpat-x"}, "prod")
    project.init()
    return project


@contextmanager
def up(project: Project, **variables: str) -> Iterator[subprocess.Popen[str]]:
    """A `pulumi up` that is running."""
    command = ["pulumi", "up", "--yes", "--skip-preview", "--non-interactive", "--color", "never"]
    environment = project.environment | variables
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, cwd=project.folder, env=environment, text=True, stdout=pipe, stderr=subprocess.STDOUT
    ) as cli:
        try:
            yield cli
        finally:
            cli.kill()


def test_a_run_that_is_cancelled_ends_with_no_traceback(project: Project) -> None:
    # A GitLab that takes a request and never answers.
    with socket.create_server(("127.0.0.1", 0)) as gitlab:
        gitlab.settimeout(SECONDS)
        url = "http://{}:{}".format(*gitlab.getsockname())
        registry = {"server": "registry.example.com", "rotation": "1"}
        project.configure({"gitlabUrl": url, "gitlabProject": "group/blog", "registry": registry})
        with up(project) as cli:
            connection, _ = gitlab.accept()
            program = program_of(cli.pid)
            assert program
            cli.send_signal(signal.SIGINT)
            assert wait(lambda: not runs(program), SECONDS)
            connection.close()
            gitlab.close()
            said, _ = cli.communicate(timeout=SECONDS)
    assert cli.returncode != 0
    assert "Traceback" not in said
    assert "KeyboardInterrupt" not in said


def test_what_a_cancelled_run_leaves_of_its_ssh_connections_the_next_one_removes(
    project: Project, tmp_path: Path
) -> None:
    # A Docker host that takes a request and never answers.
    (tmp_path / "ssh").write_text("#!/bin/sh\nexec cat >/dev/null\n")
    (tmp_path / "ssh").chmod(0o755)
    host = {"address": "ssh://deploy@docker.example.com", "hostKey": HOST_KEY, "network": "traefik"}
    project.configure(
        {"image": "registry.example.com/group/blog:1.0.0", "app": {"port": 8080}, "dockerHost": host | {"host": "b.de"}}
    )
    path = f"{tmp_path}:{project.environment['PATH']}"
    with tempfile.TemporaryDirectory(dir="/tmp") as runtime, up(project, PATH=path, XDG_RUNTIME_DIR=runtime) as cli:
        folder = Path(runtime)
        assert wait(lambda: any(folder.iterdir()), SECONDS)
        (first,) = folder.iterdir()
        program = program_of(cli.pid)
        assert program
        cli.send_signal(signal.SIGINT)
        assert wait(lambda: not runs(program), SECONDS)
        cli.communicate(timeout=SECONDS)
        # The engine may kill a program that it has interrupted, before that has removed anything.
        with up(project, PATH=path, XDG_RUNTIME_DIR=runtime) as again:
            assert wait(lambda: set(folder.iterdir()) - {first} != set(), SECONDS)
            assert not first.exists()
            again.send_signal(signal.SIGINT)
            again.communicate(timeout=SECONDS)
