"""A small program in place of the project's own, for commands that run Pulumi on stacks of any program."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.gitlab_double import GitLabDouble
from tests.project import Project


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
    folder = tmp_path / "double"
    folder.mkdir()
    double = GitLabDouble(folder)
    yield double
    double.kill()
