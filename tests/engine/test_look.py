"""What README.md has for a machine without root, Linux or Go."""

import shutil
import sys
from pathlib import Path

import yaml

from tests.support.documents import Terminal, blocks
from tests.support.project import STACKS, copy_program


def test_five_minutes_without_root_show_what_the_example_would_create(tmp_path: Path, engine: dict[str, str]) -> None:
    clone, home = tmp_path / "clone", tmp_path / "home"
    home.mkdir()
    clone.mkdir()
    copy_program(clone)
    shutil.copy(STACKS / "Pulumi.prod.yaml", clone)
    before = yaml.safe_load((clone / "Pulumi.prod.yaml").read_text())["config"]
    (block,) = [block for block in blocks("README.md") if "five minutes" in block.section]
    environment = {name: text for name, text in engine.items() if name not in {"GITLAB_TOKEN", "KUBECONFIG"}}
    del environment["PULUMI_CONFIG_PASSPHRASE_FILE"]
    terminal = Terminal(folder=clone, environment=environment | {"HOME": str(home)}, kept=tmp_path / "kept")
    shown = terminal.play(block, {"pulumi install": f"ln -s {sys.prefix} .venv"})
    for kind in ("apps/v1:Deployment", "projectDeployToken:ProjectDeployToken", "container:Container"):
        assert f"+ {kind}" in shown.text or f"{kind}: (create)" in shown.text, shown.text
    assert yaml.safe_load((clone / "Pulumi.prod.yaml").read_text())["config"] == before
    assert not list((clone / ".pulumi" / "stacks" / "gitlab-deploy").glob("*.json"))
