from collections.abc import Iterator
from pathlib import Path

import pytest

from components.docker_app.remote_docker import RemoteDocker
from tests.sandbox.components.docker_app.clone import Clone, Make
from tests.sandbox.hosts.docker_sandbox import Sandbox, sandbox


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A Docker host with the images of the site."""
    with sandbox(tmp_path_factory.mktemp("sandbox")) as made:
        made.cli("network", "create", "web")
        for version in made.digests:
            made.cli("pull", made.image(version))
        yield made


@pytest.fixture
def docker(started: Sandbox) -> Iterator[Sandbox]:
    """The Docker host, with no container on it."""
    yield started
    started.remove_all()


@pytest.fixture
def remote(docker: Sandbox) -> RemoteDocker:
    return RemoteDocker(
        address=docker.docker.address, host_key=docker.docker.host_key, identity_file=str(docker.docker.key)
    )


@pytest.fixture
def clone(docker: Sandbox, tmp_path: Path, engine: dict[str, str]) -> Make:
    return lambda name, **block: Clone(docker, tmp_path / name, engine, **block)
