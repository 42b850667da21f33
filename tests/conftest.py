import os

import pytest

from sandbox import tools
from sandbox.shell import Shell
from tests.project import ROOT


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment for the real CLI and its plugins, built where this machine has none; nothing is started."""
    folder = tmp_path_factory.mktemp("engine")
    shell = Shell(ROOT, folder)
    shell.prepare(tools.provide(ROOT / ".cache", shell.machine_path, shell.machine_home))
    return {**os.environ, **shell.variables(folder / "kubeconfig", "https://gitlab.invalid")}
