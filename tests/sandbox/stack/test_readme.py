"""The commands of README.md, in a clone of their own with a sandbox of their own."""

import json
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.example.images import site
from sandbox.toolchain.images import Image
from tests.support.documents import RUN, Terminal, blocks
from tests.support.project import ROOT, run


@pytest.fixture
def clone(tmp_path: Path) -> Iterator[Path]:
    """The repository, with this one's packages, so that `make` installs none."""
    made = tmp_path / "gitlab-deploy"
    listed = run("git", "ls-files", "--cached", "--others", "--exclude-standard", cwd=ROOT, env=os.environ)
    for name in listed.stdout.splitlines():
        if (ROOT / name).is_file():
            (made / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, made / name)
    (made / ".venv").symlink_to(sys.prefix)
    # Older than the packages.
    os.utime(made / "tests" / "requirements.lock", (0, 0))
    yield made
    done = run(sys.executable, "-m", "sandbox", "down", cwd=made, env=os.environ)
    assert done.code == 0, done.text


def image_id(image: Image) -> str:
    """The id that Docker gives it once it has pulled it: the digest of its configuration."""
    manifest = json.loads((image.layout / "blobs" / image.digest.replace(":", "/")).read_text())
    return str(manifest["config"]["digest"]).removeprefix("sha256:")


def test_the_commands_of_the_readme_do_what_it_says(clone: Path, tmp_path: Path) -> None:
    terminal = Terminal(folder=clone, environment=os.environ, kept=tmp_path / "kept")
    for block in blocks("README.md"):
        if block.commands and block.section not in RUN["README.md"].sections:
            terminal.play(block, {})
    first, second = (done.text for done in terminal.log)
    assert "gitlab-deploy-sandbox" in first
    # The image that is set takes over on both targets: the Pods, and the container, with its id in `docker ps`.
    assert "it replaces registry.sandbox.test/group/blog:1.0.0" in second
    assert "deployment.apps/web" in second
    assert image_id(site("2.0.0"))[:12] in second.rpartition("CONTAINER ID")[2]
    assert "is down" not in first
    assert "no process, mount, interface, control group or file of it is left" in second
