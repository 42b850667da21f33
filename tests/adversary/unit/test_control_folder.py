import os
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from components.docker_app.control_folder import close, control_folder
from tests.support.project import ROOT


@pytest.fixture
def short() -> Iterator[Path]:
    """A folder whose path leaves room for a socket's."""
    with TemporaryDirectory(dir="/tmp") as folder:
        yield Path(folder)


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    control_folder.cache_clear()
    yield
    folder = control_folder()
    if folder:
        close(folder)
    control_folder.cache_clear()


def test_folder_is_private_new_for_each_process_and_gone_at_its_end(
    short: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(short))
    folder = control_folder()
    assert folder
    assert folder.parent == short
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert control_folder() == folder
    control_folder.cache_clear()
    other = control_folder()
    assert other
    assert other != folder
    close(folder)
    assert list(short.iterdir()) == [other]


def test_folder_of_a_killed_process_is_removed_by_the_next_one_and_no_other(
    short: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(short))
    used = control_folder()
    text = "import os; from components.docker_app.control_folder import control_folder as f; print(f()); os._exit(0)"
    killed = subprocess.run([sys.executable, "-c", text], cwd=ROOT, capture_output=True, text=True, check=True)
    left = Path(killed.stdout.strip())
    (left / "socket").touch()
    elsewhere = short / "elsewhere"
    elsewhere.mkdir()
    (short / f"{left.name[:-1]}-").symlink_to(elsewhere)
    control_folder.cache_clear()
    new = control_folder()
    assert new
    assert used
    assert not left.exists()
    assert used.is_dir()
    assert elsewhere.is_dir()
    close(used)


def test_folder_that_another_process_took_for_left_is_not_used(short: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(short))
    make, made = tempfile.mkdtemp, []

    def unlucky(**where: str) -> str:
        made.append(make(**where))
        if len(made) == 1:
            Path(made[0]).rmdir()
        return made[-1]

    monkeypatch.setattr(tempfile, "mkdtemp", unlucky)
    folder = control_folder()
    assert folder == Path(made[1])
    assert folder.is_dir()


@pytest.mark.parametrize("runtime", ["missing", None])
def test_folder_that_cannot_be_written_is_not_fatal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, runtime: str | None
) -> None:
    if runtime:
        monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / runtime))
    else:
        monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "nowhere"))
    folder = control_folder()
    assert folder
    assert folder.is_dir()


def test_path_that_is_too_long_for_a_socket_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    long = tmp_path / ("x" * 90)
    long.mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(long))
    monkeypatch.setenv("HOME", str(tmp_path))
    folder = control_folder()
    assert folder is None or len(os.fsencode(folder)) <= 80
    assert list(long.iterdir()) == []
