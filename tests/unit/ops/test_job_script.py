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


def job(program: Path, script: str, **variables: str) -> str:
    """What a script prints that runs in the same shell after ops/job.sh, as before_script and script do."""
    command = ["bash", "-euo", "pipefail", "-c", f'. ops/job.sh "$PWD/cache"\n{script}']
    environment = {"PATH": os.environ["PATH"], "HOME": str(program / "home"), "TMPDIR": str(program), **variables}
    done = subprocess.run(command, cwd=program, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_python_has_the_programs_packages(program: Path) -> None:
    assert job(program, 'python -c "import pulumi, gitlab; print(pulumi.__name__)"') == "pulumi"


def test_only_plugins_of_pulumi_home_are_kept(program: Path) -> None:
    home = program / "home" / ".pulumi"
    assert job(program, 'echo "$PULUMI_HOME"; touch "$PULUMI_HOME/credentials.json"') == str(home)
    assert (home / "plugins").resolve() == program / "cache" / "plugins"
    assert sorted(path.name for path in (program / "cache").iterdir()) == ["plugins", "venv"]


def test_plugins_that_the_image_has_stay_in_use(program: Path, tmp_path: Path) -> None:
    (tmp_path / "plugins" / "resource-docker-v5.1.0").mkdir(parents=True)
    assert job(program, 'ls "$PULUMI_HOME/plugins"', PULUMI_HOME=str(tmp_path)) == "resource-docker-v5.1.0"


def test_a_kubeconfig_in_base64_becomes_a_file_that_only_the_job_reads(program: Path, tmp_path: Path) -> None:
    encoded = base64.b64encode(b'{"kind":"Config"}').decode()
    path, content = job(
        program, 'echo "$KUBECONFIG"; cat "$KUBECONFIG"', KUBECONFIG=encoded, RUNNER_TEMP_PROJECT_DIR=str(tmp_path)
    ).splitlines()
    assert content == '{"kind":"Config"}'
    assert Path(path).parent == tmp_path
    assert stat.S_IMODE(Path(path).stat().st_mode) == 0o600


def test_a_kubeconfig_that_is_a_file_stays(program: Path, tmp_path: Path) -> None:
    (tmp_path / "KUBECONFIG").write_text("{}")
    assert job(program, 'echo "$KUBECONFIG"', KUBECONFIG=str(tmp_path / "KUBECONFIG")) == str(tmp_path / "KUBECONFIG")


def test_the_private_key_is_made_one_that_ssh_takes(program: Path, tmp_path: Path) -> None:
    key = tmp_path / "SSH_KEY"
    key.write_text("")
    key.chmod(0o666)
    job(program, "true", SSH_KEY=str(key))
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
