import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.example import images as site
from sandbox.instance import Instance
from sandbox.toolchain.images import build
from tests.support.cluster import Deployed


@pytest.fixture(scope="session")
def instance() -> Iterator[Instance]:
    """A sandbox of the tests' own, beside any other; one for each process that runs tests."""
    made = Instance(f"test-{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}")
    made.down()
    made.up()
    try:
        yield made
    finally:
        made.down()


@pytest.fixture(scope="session")
def images(instance: Instance) -> dict[str, str]:
    """The digests of the two versions of the site, by version."""
    return site.publish(instance.gitlab.registry, instance.gitlab.credentials)


@pytest.fixture(scope="session")
def broken(instance: Instance, images: dict[str, str]) -> None:
    """Versions of the site that do not serve: `crashes` ends at once, `deaf` runs and listens elsewhere."""
    assert images
    gitlab = instance.gitlab
    for tag, entrypoint in (
        ("crashes", '["/usr/bin/wget", "http://127.0.0.1:1/settings"]'),
        ("deaf", '["/usr/bin/caddy", "file-server", "--listen", ":9999"]'),
    ):
        image = build(f"{site.SERVER}ENTRYPOINT {entrypoint}\n", site.server_files())
        image.push(gitlab.registry, f"{site.REPOSITORY}:{tag}", gitlab.credentials)


@pytest.fixture(scope="module")
def deployed(
    instance: Instance, images: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployed]:
    """The stack of `make up`, put up once for the tests of a module, and destroyed after them."""
    assert set(images) == {"1.0.0", "2.0.0"}
    folder: Path = tmp_path_factory.mktemp("deployed")
    stack = Deployed(instance, folder, os.environ | instance.environment())
    stack.up()
    yield stack
    run = stack.project.pulumi("destroy", "--yes")
    assert run.code == 0, run.text
