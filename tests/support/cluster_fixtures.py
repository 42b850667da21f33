"""A whole sandbox for the tests of a session, and stacks on it."""

import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.example import images as site
from sandbox.instance import Instance
from sandbox.toolchain.images import build
from tests.support.cluster import Deployed, Make, Stack, committed, kubectl


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


@pytest.fixture
def make(instance: Instance, images: dict[str, str], tmp_path: Path) -> Iterator[Make]:
    """Makes a stack of the site on the cluster alone; all are destroyed after the test."""
    assert images
    made: list[Stack] = []

    def make(name: str, *blocks: str, **keys: Any) -> Stack:
        config = {key: value for key, value in committed().items() if not isinstance(value, dict) or key in blocks}
        for key, value in keys.items():
            config[key] = config.get(key, {}) | value if isinstance(value, dict) else value
        # Each in a state of its own, as clones of the program.
        folder = tmp_path / f"{len(made)}"
        folder.mkdir()
        made.append(Stack(instance, folder, os.environ | instance.environment(), name, config))
        return made[-1]

    yield make
    for stack in made:
        stack.destroy()


@pytest.fixture
def namespace(instance: Instance) -> Iterator[str]:
    """A namespace that somebody made by hand."""
    name = f"shop-{secrets.token_hex(3)}"
    kubectl(instance, "create", "namespace", name)
    yield name
    kubectl(instance, "delete", "namespace", name, "--wait=false")
