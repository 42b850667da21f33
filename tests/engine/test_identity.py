"""The id of a stack in its state, through the real engine."""

import json
import re
from pathlib import Path

import pytest

from tests.support.project import Project

PROGRAM = """\
import os
import pulumi
from components import identity
from components.image import last_run

own = identity.find(last_run.previous_outputs(), offline=False)
kept = identity.keep(own)
pulumi.log.info(f"id={own}.")
if os.environ.get("FAILS"):
    kept.apply(lambda _: 1 / 0)
pulumi.export("identity", kept)
"""


def clone(folder: Path, engine: dict[str, str]) -> Project:
    """A clone of the program with a state of its own, and the stack `test`."""
    (folder / "project").mkdir(parents=True)
    (folder / "state").mkdir()
    made = Project(folder / "project", engine | {"PULUMI_BACKEND_URL": (folder / "state").as_uri()})
    (made.folder / "__main__.py").write_text(PROGRAM)
    made.init()
    made.configure({})
    return made


def up(project: Project, *, fails: bool = False) -> str:
    """Runs `up`; the id that the program saw."""
    run = project.run(
        *("pulumi", "up", "--yes", "--skip-preview", "--non-interactive", "--stack", "test"),
        FAILS="1" if fails else "",
    )
    assert (run.code != 0) == fails, run.text
    found = re.search(r"id=(\S+)\.", run.text)
    assert found, run.text
    return found[1]


@pytest.fixture
def project(tmp_path: Path, engine: dict[str, str]) -> Project:
    return clone(tmp_path / "a", engine)


def test_first_up_that_fails_and_the_next_one_have_the_same_id(project: Project) -> None:
    first = up(project, fails=True)
    assert up(project) == first
    assert up(project) == first
    assert json.loads(project.pulumi("stack", "output", "--json").stdout) == {"identity": first}


def test_second_run_and_its_preview_change_nothing(project: Project) -> None:
    assert project.pulumi("preview").code == 0
    up(project)
    for command in (("preview",), ("up", "--yes"), ("up", "--yes", "--refresh")):
        run = project.pulumi(*command, "--expect-no-changes")
        assert run.code == 0, run.text


def test_same_stack_of_another_clone_has_another_id(project: Project, tmp_path: Path, engine: dict[str, str]) -> None:
    assert up(clone(tmp_path / "b", engine)) != up(project)


def test_stack_that_is_destroyed_gets_another_id(project: Project) -> None:
    first = up(project)
    destroyed = project.pulumi("destroy", "--yes")
    assert destroyed.code == 0, destroyed.text
    assert up(project) != first
