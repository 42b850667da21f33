"""A folder with stack files alone, as docs/gitlab.md has it: Pulumi finds the program of a tag by the key `main`."""

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

from components.settings.settings import OFFLINE
from tests.support.documents import Terminal, blocks
from tests.support.project import STACKS, Project, run


def plan(text: str) -> list[tuple[str, str, Any]]:
    """What a preview would do to each resource, in no order that matters."""
    steps = json.loads(text[text.index("{\n") :])["steps"]
    return sorted((step["op"], step["urn"], step.get("newState", {}).get("inputs")) for step in steps)


def test_stack_files_alone_have_the_plan_that_they_have_in_a_clone(tmp_path: Path, engine: dict[str, str]) -> None:
    states = {name: tmp_path / name for name in ("state", "state-of-clone")}
    for state in states.values():
        state.mkdir()
    (tmp_path / "clone").mkdir()
    environment = engine | {"PULUMI_BACKEND_URL": states["state-of-clone"].as_uri(), OFFLINE: "1"}
    environment |= {"GITLAB_TOKEN": "none", "GITLAB_EARLY_AUTH_CHECK": "false"}
    clone = Project(tmp_path / "clone", environment, stack="prod")
    release = {"GIT_CONFIG_GLOBAL": os.devnull} | {
        f"GIT_{who}_{what}": "a@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
    }
    for command in (
        "init --quiet --initial-branch main",
        "add Pulumi.yaml __main__.py components requirements.txt",
        "commit --quiet --message Release",
        "tag v1.0.0",
    ):
        done = run("git", *command.split(), cwd=clone.folder, env=os.environ | release)
        assert done.code == 0, done.text
    shutil.copy(STACKS / "Pulumi.prod.yaml", clone.folder)
    clone.init()
    expected = clone.pulumi("preview", "--json")
    assert expected.code == 0, expected.text

    folder = tmp_path / "deploy"
    folder.mkdir()
    shutil.copy(STACKS / "Pulumi.prod.yaml", folder)
    own = environment | {"PULUMI_BACKEND_URL": states["state"].as_uri()}
    terminal = Terminal(folder=folder, environment=own, kept=tmp_path / "kept")
    (block,) = [block for block in blocks("docs/gitlab.md") if block.section == "Stack files alone" and block.commands]
    table = {
        r"https://gitlab\.example\.com/group/gitlab-deploy\.git": str(clone.folder),
        r"pulumi install": f"ln -s {sys.prefix} .venv; pulumi stack init prod",
        r"pulumi preview": "pulumi preview --json",
    }
    found = terminal.play(block, table)
    assert plan(found.stdout) == plan(expected.stdout)
    assert not (folder / ".program" / "Pulumi.prod.yaml").exists()
