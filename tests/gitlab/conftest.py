"""One running double for all tests here; a test gets a project or a group of its own in it."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from gitlab.v4.objects import Group, Project

from sandbox.gitlab import records
from sandbox.gitlab.auth import MAINTAINER, OWNER
from sandbox.gitlab.store import Store
from tests.gitlab_double import Api, GitLabDouble, add_project

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


@pytest.fixture(scope="session")
def owner(double: GitLabDouble) -> str:
    return double.new_token(OWNER, path="group")


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
def project(double: GitLabDouble, maintainer: str, project_path: str) -> Project:
    """A new project, seen by its Maintainer."""
    return double.client(maintainer).projects.get(project_path)


@pytest.fixture
def group(double: GitLabDouble, owner: str, store: Store) -> Group:
    """A new group, seen by its Owner."""
    path = f"group/sub{next(NUMBERS)}"
    added = store.add(records.Group(path=path, name="sub"))
    return double.client(owner).groups.get(added.id, lazy=True)


@pytest.fixture
def api(double: GitLabDouble, maintainer: str, project_path: str) -> Api:
    return Api(double, maintainer, project_path)
