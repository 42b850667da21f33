"""A run that fails ends with the reason, and with no traceback of a program that was cancelled meanwhile."""

from pathlib import Path

import pytest

from tests.support.gitlab_double import GitLabDouble
from tests.support.project import Project


@pytest.mark.parametrize("attempt", range(3))
def test_a_resource_that_fails_is_followed_by_no_traceback(
    tmp_path: Path, engine: dict[str, str], gitlab_double: GitLabDouble, attempt: int
) -> None:
    folder, state = tmp_path / "project", tmp_path / "state"
    folder.mkdir()
    state.mkdir()
    environment = engine | {"PULUMI_BACKEND_URL": state.as_uri(), "GITLAB_TOKEN": f"wrong-{attempt}"}
    project = Project(folder, environment, stack="prod")
    project.init()
    registry = {"server": "registry.example.com", "rotation": "1"}
    project.configure({"gitlabUrl": gitlab_double.url, "gitlabProject": "group/blog", "registry": registry})
    up = project.pulumi("up", "--yes", "--skip-preview")
    assert up.code != 0
    assert "error: " in up.text
    assert "Traceback" not in up.text
    assert "KeyboardInterrupt" not in up.text
