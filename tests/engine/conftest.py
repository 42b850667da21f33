"""A small program in place of the project's own, for commands that run Pulumi on stacks of any program."""

from pathlib import Path

import pytest

from tests.support.project import Project


@pytest.fixture
def small(tmp_path: Path, engine: dict[str, str]) -> Project:
    """A project with no stack, whose state is a folder; a test writes its program."""
    folder, state = tmp_path / "project", tmp_path / "state"
    folder.mkdir()
    state.mkdir()
    inherited = {name: text for name, text in engine.items() if not name.startswith(("CI_", "GITLAB_"))}
    return Project(folder, inherited | {"PULUMI_BACKEND_URL": state.as_uri()})
