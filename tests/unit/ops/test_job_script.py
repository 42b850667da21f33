"""What the templates' jobs do before their own script."""

import base64
import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from tests.support.gitlab_runner import warm
from tests.support.project import ROOT


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("program")
    (folder / "ops").mkdir()
    for name in ("requirements.txt", "ops/requirements.txt", "ops/job.sh"):
        shutil.copy(ROOT / name, folder / name)
    warm(folder / "cache")
    return folder


def run(program: Path, script: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Runs a script in the same shell after ops/job.sh, as a runner runs before_script and script."""
    command = ["bash", "-euo", "pipefail", "-c", f'. ops/job.sh "$PWD/cache"\n{script}']
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(program / "home"),
        "TMPDIR": str(program / "tmp"),
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


def test_only_plugins_of_pulumi_home_are_kept(program: Path) -> None:
    script = 'echo "$PULUMI_HOME"; touch "$PULUMI_HOME/credentials.json"; realpath "$PULUMI_HOME/plugins"'
    home, plugins = job(program, script).splitlines()
    assert Path(plugins) == program / "cache" / "plugins"
    assert sorted(path.name for path in (program / "cache").iterdir()) == ["plugins", "venv"]
    assert not Path(home).exists()
    assert not (program / "home" / ".pulumi").exists()


def test_a_shell_executors_login_is_used_by_a_job_that_has_none(program: Path, tmp_path: Path) -> None:
    (tmp_path / ".pulumi").mkdir()
    (tmp_path / ".pulumi" / "credentials.json").touch()
    script = 'echo "${PULUMI_CREDENTIALS_PATH:-none}"'
    assert job(program, script, HOME=str(tmp_path)) == str(tmp_path / ".pulumi")
    assert job(program, script, HOME=str(tmp_path), PULUMI_BACKEND_URL="s3://bucket") == "none"


@pytest.mark.parametrize("variable", ["HOME", "PULUMI_HOME"])
@pytest.mark.parametrize("removed", [True, False], ids=["removed", "another project's"])
def test_a_link_to_the_plugins_of_an_earlier_job_is_not_used(
    program: Path, tmp_path: Path, variable: str, removed: bool
) -> None:
    """A shell executor runs the jobs of all projects as one user."""
    home = tmp_path / ".pulumi" if variable == "HOME" else tmp_path
    other = tmp_path / "other" / "cache" / "plugins"
    other.mkdir(parents=True)
    home.mkdir(exist_ok=True)
    (home / "plugins").symlink_to(other)
    if removed:
        other.rmdir()
    plugins = job(program, 'realpath "$PULUMI_HOME/plugins"', **{variable: str(tmp_path)})
    assert Path(plugins) == program / "cache" / "plugins"


def test_a_link_to_plugins_of_ones_own_stays_in_use(program: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "plugins").symlink_to(tmp_path / "mine")
    assert job(program, 'realpath "$PULUMI_HOME/plugins"', PULUMI_HOME=str(tmp_path)) == str(tmp_path / "mine")


def test_plugins_of_the_image_stay_in_use(program: Path, tmp_path: Path) -> None:
    (tmp_path / ".pulumi" / "plugins" / "resource-docker-v5.1.0").mkdir(parents=True)
    assert job(program, 'ls "$PULUMI_HOME/plugins"', HOME=str(tmp_path)) == "resource-docker-v5.1.0"


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
