import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox import tools
from sandbox.shell import Shell
from tests.gitlab_double import GitLabDouble
from tests.project import ROOT


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment for the real CLI and its plugins, built where this machine has none; nothing is started."""
    folder = tmp_path_factory.mktemp("engine")
    shell = Shell(ROOT, folder)
    shell.prepare(tools.provide(ROOT / ".cache", shell.machine_path, shell.machine_home))
    return {**os.environ, **shell.variables(folder / "kubeconfig", "https://gitlab.invalid")}


@pytest.fixture
def gitlab_double(tmp_path: Path) -> Iterator[GitLabDouble]:
    """GitLab's double, for one test."""
    folder = tmp_path / "double"
    folder.mkdir()
    double = GitLabDouble(folder)
    yield double
    double.stop()
