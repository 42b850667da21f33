"""A run that is cancelled ends with no traceback of the program, which the engine interrupts."""

import signal
import socket
import subprocess
from pathlib import Path

from sandbox.machine.waiting import wait
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


def test_a_run_that_is_cancelled_ends_with_no_traceback(tmp_path: Path, engine: dict[str, str]) -> None:
    folder, state = tmp_path / "project", tmp_path / "state"
    folder.mkdir()
    state.mkdir()
    # A GitLab that takes a request and never answers.
    with socket.create_server(("127.0.0.1", 0)) as gitlab:
        gitlab.settimeout(SECONDS)
        url = "http://{}:{}".format(*gitlab.getsockname())
        project = Project(folder, engine | {"PULUMI_BACKEND_URL": state.as_uri(), "GITLAB_TOKEN": "glpat-x"}, "prod")
        project.init()
        registry = {"server": "registry.example.com", "rotation": "1"}
        project.configure({"gitlabUrl": url, "gitlabProject": "group/blog", "registry": registry})
        command = ["pulumi", "up", "--yes", "--skip-preview", "--non-interactive", "--color", "never"]
        pipe = subprocess.PIPE
        with subprocess.Popen(
            command, cwd=folder, env=project.environment, text=True, stdout=pipe, stderr=subprocess.STDOUT
        ) as cli:
            try:
                connection, _ = gitlab.accept()
                program = program_of(cli.pid)
                assert program
                cli.send_signal(signal.SIGINT)
                assert wait(lambda: not runs(program), SECONDS)
                connection.close()
                gitlab.close()
                said, _ = cli.communicate(timeout=SECONDS)
            finally:
                cli.kill()
    assert cli.returncode != 0
    assert "Traceback" not in said
    assert "KeyboardInterrupt" not in said
