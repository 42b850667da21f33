"""A Docker host on real parts, for the tests of a session."""

from collections.abc import Iterator

import pytest

from components.docker_app.remote_docker import RemoteDocker
from tests.support.docker_sandbox import Sandbox, sandbox
from tests.support.registry import Registry, serve


@pytest.fixture(scope="session")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    with serve(tmp_path_factory.mktemp("registry")) as running:
        yield running


@pytest.fixture(scope="session")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with sandbox(tmp_path_factory.mktemp("sandbox")) as made:
        made.cli("network", "create", "web")
        for version in made.digests:
            made.cli("pull", made.image(version))
        yield made


@pytest.fixture
def docker(started: Sandbox) -> Iterator[Sandbox]:
    """The Docker host of the session, with no container on it."""
    yield started
    started.remove_all()


@pytest.fixture
def remote(docker: Sandbox) -> RemoteDocker:
    """The Docker host, as the components speak to it."""
    return RemoteDocker(
        address=docker.docker.address, host_key=docker.docker.host_key, identity_file=str(docker.docker.key)
    )
