"""`python -m ops lock` on locks that the real engine makes."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.gitlab_double import GitLabDouble
from tests.support.ops_command import ops
from tests.support.project import Project
from tests.support.s3 import BUCKET, bucket

SECONDS = 60
# It goes on only once the file `go` is there, so that it can be killed in the middle; killed, it is let go by the test.
WAITING = """\
import time
from pathlib import Path
import pulumi

def go(_=None):
    Path("waiting").touch()
    while not Path("go").exists():
        time.sleep(0.02)
    return "abcdefghij"
"""
PROGRAM = WAITING + 'go()\npulumi.export("done", True)\n'
WITH_VARIABLES = (
    WAITING
    + """\
import os
from components import sdk
sdk.load_as_used()
import pulumi_gitlab as gitlab

provider = gitlab.Provider(
    "gitlab", base_url=os.environ["GITLAB_BASE_URL"], token=pulumi.Output.secret(os.environ["GITLAB_TOKEN"])
)
opts = pulumi.ResourceOptions(provider=provider)
first = gitlab.ProjectVariable("first", project="group/blog", key="FIRST", value="abcdefghij", opts=opts)
value = first.id.apply(go)
gitlab.ProjectVariable("second", project="group/blog", key="SECOND", value=value, opts=opts)
"""
)


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture
def project(small: Project, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Project]:
    """Its state is in a folder, or, where a test says so, in a bucket."""
    (small.folder / "__main__.py").write_text(PROGRAM)
    with ExitStack() as stack:
        if getattr(request, "param", "file") == "s3":
            small.environment |= stack.enter_context(bucket(tmp_path / "s3"))
        small.init()
        yield small


@pytest.fixture
def run_up(project: Project) -> Iterator[Callable[[], subprocess.Popen[bytes]]]:
    """Starts `pulumi up` and gives it once the program waits in the middle of it."""
    started: list[subprocess.Popen[bytes]] = []

    def run() -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            ["pulumi", "up", "--yes", "--skip-preview", "--non-interactive", "--stack", project.stack],
            cwd=project.folder,
            env=project.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        started.append(process)
        until((project.folder / "waiting").exists)
        return process

    yield run
    (project.folder / "go").touch()
    for process in started:
        kill(process)


def kill(process: subprocess.Popen[bytes]) -> None:
    """Kill `pulumi up` as the end of a job's container does, with all that it started."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(SECONDS)


def locks(project: Project) -> list[Path]:
    """The locks in the state's folder, and in the folder that is the bucket."""
    places = (project.folder.parent / "state", project.folder.parent / "s3" / "data" / BUCKET)
    return [file for place in places for file in (place / ".pulumi" / "locks").rglob("*.json")]


@pytest.mark.parametrize("project", ["file", "s3"], indirect=True)
def test_the_lock_of_a_killed_run_is_recognised_and_released(
    project: Project, run_up: Callable[[], subprocess.Popen[bytes]]
) -> None:
    kill(run_up())
    assert "currently locked by 1 lock(s)" in project.pulumi("up", "--yes", "--skip-preview").text
    shown = ops(project, "lock", "--stack", project.stack)
    assert shown.code == 1, shown.text
    assert f"stack {project.stack} is locked by " in shown.stdout
    assert "no pulumi of that pid runs on this host: the run is over" in shown.stdout
    assert f"release it: python -m ops lock --stack {project.stack} --release" in shown.stdout
    assert len(locks(project)) == 1
    released = ops(project, "lock", "--stack", project.stack, "--release")
    assert (released.code, locks(project)) == (0, []), released.text
    (project.folder / "go").touch()
    after = project.pulumi("up", "--yes", "--skip-preview")
    assert after.code == 0, after.text
    free = ops(project, "lock", "--stack", project.stack)
    assert (free.code, free.stdout) == (0, f"stack {project.stack} is not locked\n")


def test_the_empty_attributes_that_a_killed_run_leaves_in_a_folder_are_removed(project: Project) -> None:
    [attributes] = (project.folder.parent / "state").rglob("test.json.attrs")
    attributes.write_bytes(b"")
    os.utime(attributes, (0, 0))
    assert "EOF" in project.pulumi("preview").text
    shown = ops(project, "lock", "--stack", project.stack)
    assert (shown.code, shown.stdout.count(f"left {attributes} empty")) == (1, 1), shown.text
    released = ops(project, "lock", "--stack", project.stack, "--release")
    assert (released.code, released.stdout.splitlines()[-1]) == (0, f"stack {project.stack} is not locked")
    (project.folder / "go").touch()
    assert project.pulumi("preview").code == 0


def test_the_lock_of_a_run_that_goes_on_is_not_released_and_the_run_succeeds(
    project: Project, run_up: Callable[[], subprocess.Popen[bytes]]
) -> None:
    process = run_up()
    for more in ((), ("--release",), ("--release", "--job-timeout", "0")):
        refused = ops(project, "lock", "--stack", project.stack, *more)
        assert refused.code == 1, refused.text
        assert f"(pid {process.pid})" in refused.stdout
        assert "its process runs on this host" in refused.stdout
        assert len(locks(project)) == 1
    (project.folder / "go").touch()
    assert process.wait(SECONDS) == 0
    assert locks(project) == []


def test_the_lock_of_another_host_is_released_once_no_job_runs_that_long(project: Project) -> None:
    state = Path(project.environment["PULUMI_BACKEND_URL"].removeprefix("file://"))
    lock = state / ".pulumi" / "locks" / "organization" / "gitlab-deploy" / project.stack / "left.json"
    lock.parent.mkdir(parents=True, exist_ok=True)
    since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 20 * 60))
    lock.write_text(json.dumps({"pid": 57, "username": "root", "hostname": "runner-x", "timestamp": since}))
    refused = ops(project, "lock", "--stack", project.stack, "--release")
    assert (refused.code, locks(project)) == (1, [lock]), refused.text
    assert "root@runner-x (pid 57)" in refused.stdout
    released = ops(project, "lock", "--stack", project.stack, "--release", "--job-timeout", "19")
    assert (released.code, locks(project)) == (0, []), released.text


def test_looking_changes_nothing(project: Project) -> None:
    (project.folder / "go").touch()
    project.configure({"cluster": "c"})
    assert project.pulumi("up", "--yes", "--skip-preview").code == 0
    files = {file: file.read_bytes() for file in project.folder.glob("Pulumi*")}
    state = Path(project.environment["PULUMI_BACKEND_URL"].removeprefix("file://"))
    files |= {file: file.read_bytes() for file in state.rglob("*") if file.is_file()}
    assert ops(project, "lock", "--stack", project.stack).code == 0
    assert {file: file.read_bytes() for file in files} == files
    assert {file for file in state.rglob("*") if file.is_file()} <= set(files)


def test_a_stack_that_is_not_there_is_not_called_free(project: Project) -> None:
    run = ops(project, "lock", "--stack", "none")
    assert run.code == 2
    assert "did not say whether stack none is locked (error: no stack named 'none' found)" in run.stderr


@pytest.mark.parametrize("name", ["Prod.EU_1", "organization/gitlab-deploy/Prod.EU_1"])
def test_a_stack_of_any_name_is_found_free_and_locked(small: Project, name: str) -> None:
    (small.folder / "__main__.py").write_text(PROGRAM)
    small.stack = name
    small.init()
    free = ops(small, "lock", "--stack", name)
    assert (free.code, free.stdout) == (0, f"stack {name} is not locked\n"), free.text
    state = Path(small.environment["PULUMI_BACKEND_URL"].removeprefix("file://"))
    lock = state / ".pulumi" / "locks" / "organization" / "gitlab-deploy" / "Prod.EU_1" / "left.json"
    lock.parent.mkdir(parents=True, exist_ok=True)
    lock.write_text(json.dumps({"pid": 57, "username": "root", "hostname": "x", "timestamp": "2026-01-01T00:00:00Z"}))
    released = ops(small, "lock", "--stack", name, "--release")
    assert released.code == 0, released.text
    assert not lock.exists()


def test_a_release_lists_what_was_being_created_and_its_way_out_works(
    project: Project, run_up: Callable[[], subprocess.Popen[bytes]], gitlab_double: GitLabDouble
) -> None:
    project.environment |= {"GITLAB_BASE_URL": f"{gitlab_double.url}/api/v4/", "GITLAB_TOKEN": gitlab_double.token}
    (project.folder / "__main__.py").write_text(WITH_VARIABLES)
    process = run_up()
    os.kill(gitlab_double.process.pid, signal.SIGSTOP)
    try:
        (project.folder / "go").touch()
        until(lambda: '"pending_operations"' in project.export())
        kill(process)
    finally:
        os.kill(gitlab_double.process.pid, signal.SIGCONT)
    released = ops(project, "lock", "--stack", project.stack, "--release")
    assert released.code == 0, released.text
    (line,) = [line for line in released.stdout.splitlines() if line.startswith("interrupted: ")]
    assert line.endswith("::second")
    variables = gitlab_double.client().projects.get("group/blog").variables
    until(lambda: len(variables.list(get_all=True)) == 2)
    # It was created after all, and the state does not know.
    failed = project.pulumi("up", "--yes", "--skip-preview")
    assert failed.code != 0
    assert "with 1 pending operations from previous deployment" in failed.text
    variables.delete("SECOND")
    cleared = project.pulumi("refresh", "--yes", "--skip-preview", "--clear-pending-creates")
    assert cleared.code == 0, cleared.text
    after = project.pulumi("up", "--yes", "--skip-preview")
    assert after.code == 0, after.text
    assert "pending operations" not in after.text
