"""What tests of every tier start: the engine's environment, and doubles of GitLab."""

import gc
import itertools
import os
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from gitlab.v4 import objects
from hypothesis import HealthCheck, settings

from sandbox.gitlab.auth import MAINTAINER
from sandbox.gitlab.store import Store
from sandbox.names import CACHE
from sandbox.toolchain import tools
from sandbox.toolchain.shell import Shell
from tests.support import documents
from tests.support.gitlab_double import Api, GitLabDouble, add_project
from tests.support.project import ROOT, Project

# A property is what it says, not how long this machine takes for it.
settings.register_profile("tests", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tests")

# What tests of several folders start: a sandbox is one for all of them.
pytest_plugins = ("tests.support.docker_fixtures", "tests.support.cluster_fixtures")


@pytest.fixture
def no_garbage_collection() -> Iterator[None]:
    """For texts that are nested too deeply: what is collected at that depth has no stack left to be finalised on."""
    gc.disable()
    yield
    gc.enable()


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    """Fails a test that a document counts on to run its commands, and that has not typed one of them."""
    documents.TYPED.clear()
    result = yield
    if missing := documents.untyped(pyfuncitem.nodeid.partition("[")[0]):
        pytest.fail(f"not typed, of the commands that tests/support/documents.py has from this test: {missing}")
    return result


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment for the real CLI and its plugins, built where this machine has none; nothing is started."""
    folder = tmp_path_factory.mktemp("engine")
    shell = Shell(ROOT, folder)
    shell.prepare(tools.provide(CACHE, shell.machine_path, shell.machine_home))
    return {**os.environ, **shell.variables(folder / "kubeconfig", "https://gitlab.invalid")}


@pytest.fixture
def small(tmp_path: Path, engine: dict[str, str]) -> Project:
    """A project with no stack, whose state is a folder; a test writes its program."""
    folder, state = tmp_path / "project", tmp_path / "state"
    folder.mkdir()
    state.mkdir()
    inherited = {name: text for name, text in engine.items() if not name.startswith(("CI_", "GITLAB_"))}
    return Project(folder, inherited | {"PULUMI_BACKEND_URL": state.as_uri()})


@pytest.fixture
def gitlab_double(tmp_path: Path) -> Iterator[GitLabDouble]:
    """GitLab's double, for one test."""
    folder = tmp_path / "double"
    folder.mkdir()
    double = GitLabDouble(folder)
    yield double
    double.stop()


NUMBERS = itertools.count()


@pytest.fixture(scope="session")
def double(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GitLabDouble]:
    running = GitLabDouble(tmp_path_factory.mktemp("gitlab"))
    yield running
    running.stop()


@pytest.fixture
def own_double(tmp_path: Path) -> Iterator[GitLabDouble]:
    """A double for this test alone, which may stop it or make it fail."""
    running = GitLabDouble(tmp_path)
    yield running
    running.kill()


@pytest.fixture(scope="session")
def maintainer(double: GitLabDouble) -> str:
    return double.new_token(MAINTAINER, path="group")


@pytest.fixture
def store(double: GitLabDouble) -> Iterator[Store]:
    opened = Store(double.data)
    yield opened
    opened.close()


@pytest.fixture
def project_path(store: Store) -> str:
    """The full path of a new, private project."""
    return add_project(store, f"group/app.{next(NUMBERS)}").path


@pytest.fixture
def project(double: GitLabDouble, maintainer: str, project_path: str) -> objects.Project:
    """A new project, seen by its Maintainer."""
    return double.client(maintainer).projects.get(project_path)


@pytest.fixture
def api(double: GitLabDouble, maintainer: str, project_path: str) -> Api:
    return Api(double, maintainer, project_path)
