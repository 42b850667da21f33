"""What a job finds of others on its runner, and leaves there, before and after its own script."""

import base64
import os
import re
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from tests.support.gitlab_runner import PACKAGES
from tests.support.project import ROOT


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("program")
    (folder / "ops").mkdir()
    for name in ("ops/requirements.lock", "ops/job.sh"):
        shutil.copy(ROOT / name, folder / name)
    return folder


def run(program: Path, script: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Runs a script in the same shell after ops/job.sh, as a runner runs before_script and script, in a warm image."""
    command = ["bash", "-euo", "pipefail", "-c", f". ops/job.sh\n{script}"]
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(program / "home"),
        "TMPDIR": str(program / "tmp"),
        "PYTHONPATH": str(PACKAGES),
        # The image is warm: nothing is left to download.
        "PIP_NO_INDEX": "1",
        **variables,
    }
    return subprocess.run(command, cwd=program, env=environment, capture_output=True, text=True, check=False)


def job(program: Path, script: str, **variables: str) -> str:
    """What a script prints that succeeds."""
    done = run(program, script, **variables)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def left_behind(program: Path) -> list[Path]:
    """What jobs left in the folder for temporary files."""
    return list((program / "tmp").rglob("*"))


def test_python_has_the_programs_packages(program: Path) -> None:
    assert job(program, 'python -c "import pulumi, gitlab; print(pulumi.__name__)"') == "pulumi"


def test_a_job_leaves_nothing_in_a_home_without_plugins(program: Path) -> None:
    home = job(program, 'echo "$PULUMI_HOME"; touch "$PULUMI_HOME/credentials.json"')
    assert not Path(home).exists()
    assert not (program / "home" / ".pulumi").exists()


@pytest.mark.parametrize("link", [True, False], ids=["link", "folder"])
def test_nothing_that_an_earlier_job_left_in_the_checkout_is_executed(
    program: Path, tmp_path: Path, link: bool
) -> None:
    """What a runner unpacks from a cache, or keeps of a checkout, may come from another branch."""
    planted = [program / ".gitlab-deploy-cache" / "venv", program / ".venv"]
    for venv in planted:
        shutil.rmtree(venv, ignore_errors=True)
        (tmp_path / venv.name / "bin").mkdir(parents=True)
        for name in ("python", "python3", "pip", "pulumi", "git"):
            file = tmp_path / venv.name / "bin" / name
            file.write_text(f"#!/bin/sh\necho hijacked >>{tmp_path}/log\n")
            file.chmod(0o755)
        venv.parent.mkdir(exist_ok=True)
        if link:
            venv.symlink_to(tmp_path / venv.name)
        else:
            shutil.copytree(tmp_path / venv.name, venv)
    plugin = program / ".gitlab-deploy-cache" / "plugins" / "resource-docker-v0.0.1"
    plugin.mkdir(parents=True)
    found = job(program, 'python -c "import pulumi; print(pulumi.__name__)"; find -L "$PULUMI_HOME" -name "resource-*"')
    shutil.rmtree(program / ".gitlab-deploy-cache")
    assert found == "pulumi"
    assert not (tmp_path / "log").exists()
    # What a link was to stays as it was: it may be a developer's own.
    assert (tmp_path / ".venv" / "bin" / "pulumi").exists()


def test_a_shell_executors_login_is_used_by_a_job_that_has_none(program: Path, tmp_path: Path) -> None:
    (tmp_path / ".pulumi").mkdir()
    (tmp_path / ".pulumi" / "credentials.json").touch()
    script = 'echo "${PULUMI_CREDENTIALS_PATH:-none}"'
    assert job(program, script, HOME=str(tmp_path)) == str(tmp_path / ".pulumi")
    assert job(program, script, HOME=str(tmp_path), PULUMI_BACKEND_URL="s3://bucket") == "none"


def test_a_dangling_link_to_plugins_is_not_used(program: Path, tmp_path: Path) -> None:
    (tmp_path / ".pulumi").mkdir()
    (tmp_path / ".pulumi" / "plugins").symlink_to(tmp_path / "removed")
    home = job(program, 'echo "$PULUMI_HOME"; mkdir "$PULUMI_HOME/plugins"', HOME=str(tmp_path))
    assert not Path(home).is_relative_to(tmp_path / ".pulumi")


def test_a_link_to_plugins_of_ones_own_stays_in_use(program: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "plugins").symlink_to(tmp_path / "mine")
    assert job(program, 'realpath "$PULUMI_HOME/plugins"', PULUMI_HOME=str(tmp_path)) == str(tmp_path / "mine")


def test_plugins_that_another_projects_job_put_into_the_home_are_not_used(program: Path, tmp_path: Path) -> None:
    (tmp_path / ".pulumi" / "plugins" / "resource-docker-v5.1.0").mkdir(parents=True)
    assert job(program, 'find -L "$PULUMI_HOME" -name "resource-*"', HOME=str(tmp_path)) == ""


def test_the_runner_image_names_the_folder_of_its_plugins() -> None:
    before, _, _ = (ROOT / "Containerfile").read_text().partition("pulumi plugin install")
    assert re.search(r"(?m)^ENV PULUMI_HOME=/", before)


def test_plugins_in_a_pulumi_home_stay_in_use(program: Path, tmp_path: Path) -> None:
    (tmp_path / "plugins" / "resource-docker-v5.1.0").mkdir(parents=True)
    assert job(program, 'ls "$PULUMI_HOME/plugins"', PULUMI_HOME=str(tmp_path)) == "resource-docker-v5.1.0"


@pytest.mark.parametrize("runner", [True, False], ids=["RUNNER_TEMP_PROJECT_DIR", "TMPDIR"])
@pytest.mark.parametrize("status", [0, 3], ids=["a job that succeeds", "a job that fails"])
def test_a_kubeconfig_in_base64_is_a_private_file_until_the_job_ends(
    program: Path, tmp_path: Path, runner: bool, status: int
) -> None:
    variables = {"KUBECONFIG": base64.b64encode(b'{"kind":"Config"}').decode()}
    if runner:
        variables["RUNNER_TEMP_PROJECT_DIR"] = str(tmp_path / "blog.tmp")
    ended = run(
        program, f'echo "$KUBECONFIG"; cat "$KUBECONFIG"; stat -c "|%a" "$KUBECONFIG"; exit {status}', **variables
    )
    path, content = ended.stdout.splitlines()
    assert (ended.returncode, content) == (status, '{"kind":"Config"}|600')
    assert Path(path).is_relative_to(tmp_path / "blog.tmp" if runner else program / "tmp")
    assert not Path(path).exists()
    assert left_behind(program) == []


def test_a_kubeconfig_that_is_no_base64_fails_the_job(program: Path) -> None:
    assert run(program, "true", KUBECONFIG="canary, not base64").returncode != 0
    assert left_behind(program) == []


def test_a_cancelled_job_leaves_no_kubeconfig(program: Path) -> None:
    variables = {"KUBECONFIG": base64.b64encode(b"{}").decode()}
    assert run(program, "kill -TERM $$; while :; do :; done", **variables).returncode != 0
    assert left_behind(program) == []


def test_a_kubeconfig_that_is_a_file_stays(program: Path, tmp_path: Path) -> None:
    (tmp_path / "KUBECONFIG").write_text("{}")
    assert job(program, 'echo "$KUBECONFIG"', KUBECONFIG=str(tmp_path / "KUBECONFIG")) == str(tmp_path / "KUBECONFIG")


def test_the_private_key_is_made_one_that_ssh_takes(program: Path, tmp_path: Path) -> None:
    key = tmp_path / "SSH_KEY"
    key.write_text("")
    key.chmod(0o666)
    job(program, "true", SSH_KEY=str(key))
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
