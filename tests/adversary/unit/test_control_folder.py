import os
import stat
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from components.docker_app.control_folder import close, control_folder


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
