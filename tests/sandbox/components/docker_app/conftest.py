from pathlib import Path

import pytest

from tests.sandbox.components.docker_app.clone import Clone, Make
from tests.support.docker_sandbox import Sandbox


@pytest.fixture
def clone(docker: Sandbox, tmp_path: Path, engine: dict[str, str]) -> Make:
    return lambda name, **block: Clone(docker, tmp_path / name, engine, **block)
