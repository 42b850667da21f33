"""`python -m ops render`: what a stack would be made of, seen with no secret, no state and no server.

For the merge request of a fork, whose jobs get none of these: `python -m ops review` compares the plan of its branch
with that of the target branch, both made here.
"""

import argparse
import json
import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from components.settings.settings import OFFLINE
from components.settings.stack import PROJECT
from ops import cli as tools
from ops.ops_error import OpsError
from ops.preview import placeholders

SECONDS = 180
UNKNOWN_IMAGE = "deployed-last.invalid/image:unknown"
"""Stands for the image that was deployed last, where the stack file names none: only the state knows it."""
_KEPT = ("LANG", "LC_ALL", "PATH", "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION", "TMPDIR")
_NOWHERE = "https://127.0.0.1:9"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("--stack", required=True, help="name of the stack, whose stack file there is")
    parser.add_argument("--ref", help="commit, branch or tag of the program and its stack file (default: the folder)")
    parser.add_argument("--output", type=Path, required=True, help="file for the plan, as of pulumi preview --json")


def run(arguments: argparse.Namespace) -> int:
    """Writes the plan and says what is in it; the folder of the program stays as it is."""
    here = Path.cwd()
    with TemporaryDirectory() as folder:
        program = Path(folder, "program")
        program.mkdir()
        if arguments.ref is None:
            _link(here, program)
        else:
            _check_out(arguments.ref, Path(folder, "program.tar"), program)
        plan = _Render(program, here, Path(folder), arguments.stack).plan()
    arguments.output.write_text(json.dumps(plan, indent=1) + "\n", encoding="utf-8")
    where = f" at {arguments.ref}" if arguments.ref else ""
    print(f"{arguments.stack}{where}: {len(plan['steps'])} resources, in {arguments.output}", flush=True)
    return 0


def _link(here: Path, program: Path) -> None:
    """Fills the folder with links to what is in the program's own."""
    for entry in here.iterdir():
        (program / entry.name).symlink_to(entry)


def _check_out(ref: str, archive: Path, program: Path) -> None:
    """Fills the folder with the program as it was at a commit."""
    found = tools.run("git", "rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}")
    if found.stderr.strip():
        raise OpsError(f"git does not read this checkout: {tools.last_line(found.stderr)}")
    if found.returncode:
        raise OpsError(f"There is no commit {ref} in this checkout; fetch it first, in a GitLab job with GIT_DEPTH: 0")
    made = tools.run("git", "archive", "--format=tar", f"--output={archive}", found.stdout.strip())
    if made.returncode:
        raise OpsError(f"The program at {ref} cannot be taken from git: {tools.last_line(made.stderr)}")
    shutil.unpack_archive(archive, program)


class _Render:
    """A preview of the program in a folder, in a place that has its tools and its plugins, and nothing else."""

    def __init__(self, program: Path, here: Path, folder: Path, stack: str) -> None:
        """`here` is the folder whose virtual environment is used; `folder` is for what only this preview needs."""
        self._program = program
        self._folder = folder
        self._stack = stack
        self._environment = self._prepare(here)

    def plan(self) -> dict[str, Any]:
        """The plan against an empty state. OpsError where the program does not get that far, with what it says."""
        secret = self._replace_stack_file()
        self._pulumi("stack", "init")
        for path, placeholder in secret.items():
            self._pulumi("config", "set", "--path", "--secret", path, placeholder)
        saved = self._folder / "plan.json"
        shown = self._pulumi("preview", "--json", "--save-plan", str(saved), "--show-secrets")
        return placeholders.marked(json.loads(shown), json.loads(saved.read_text(encoding="utf-8")))

    def _replace_stack_file(self) -> Mapping[str, str]:
        """Writes the stack file anew, without its secrets; gives the placeholders that take their place."""
        file = self._program / f"Pulumi.{self._stack}.yaml"
        if not file.is_file():
            raise OpsError(f"There is no {file.name} in this version of the program; name another stack")
        stack = placeholders.without_secrets(file.read_text(encoding="utf-8"))
        config = stack.config
        if not config.get(f"{PROJECT}:image") and f"{PROJECT}:app" in config:
            print(f"{file.name} names no image: {UNKNOWN_IMAGE} stands for it", file=sys.stderr, flush=True)
            config[f"{PROJECT}:image"] = UNKNOWN_IMAGE
        # The names that providers make up would be others in the next preview.
        config["pulumi:autonaming"] = {"mode": "verbatim"}
        file.unlink()
        file.write_text(yaml.safe_dump({"config": config}, sort_keys=False), encoding="utf-8")
        return stack.placeholders

    def _prepare(self, here: Path) -> dict[str, str]:
        """The environment: no variable of the job gets into it but what finds the tools."""
        settings = yaml.safe_load((self._program / "Pulumi.yaml").read_text(encoding="utf-8"))
        virtual = self._program / (settings.get("runtime", {}).get("options", {}).get("virtualenv") or ".venv")
        if not virtual.exists():
            own = here / virtual.relative_to(self._program)
            virtual.symlink_to(own if own.exists() else sys.prefix)
        home, state, programs = (self._folder / name for name in ("pulumi", "state", "bin"))
        for folder in (home, state, programs):
            folder.mkdir()
        # Not all of the folder, for credentials are in it.
        plugins = Path(os.environ.get("PULUMI_HOME") or Path.home() / ".pulumi", "plugins")
        if plugins.exists():
            (home / "plugins").symlink_to(plugins.resolve())
        # No Docker host can be reached, and this says so at once.
        (programs / "ssh").write_text("#!/bin/sh\nexit 255\n", encoding="utf-8")
        (programs / "ssh").chmod(0o700)
        kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
        return kept | {
            "PATH": os.pathsep.join([str(programs), str(virtual / "bin"), kept.get("PATH", os.defpath)]),
            "HOME": str(self._folder),
            "PULUMI_HOME": str(home),
            "PULUMI_BACKEND_URL": state.as_uri(),
            "PULUMI_CONFIG_PASSPHRASE": secrets.token_hex(),
            "PULUMI_SKIP_UPDATE_CHECK": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            "KUBECONFIG": str(_kubeconfig(self._folder / "kubeconfig")),
            # The provider wants a token, and would ask GitLab whose it is.
            "GITLAB_TOKEN": "none",
            "GITLAB_EARLY_AUTH_CHECK": "false",
            OFFLINE: "1",
        }

    def _pulumi(self, *arguments: str) -> str:
        if shutil.which("pulumi") is None:
            raise OpsError("pulumi was not found on PATH; install it")
        command = ["pulumi", *arguments, "--stack", self._stack, "--non-interactive"]
        try:
            done = subprocess.run(
                command,
                cwd=self._program,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise OpsError(f"pulumi {arguments[0]} did not end within {SECONDS} s; see whether it does by hand") from (
                error
            )
        if done.returncode:
            raise OpsError(f"pulumi {arguments[0]} failed: {_errors(done)}")
        return done.stdout


def _errors(done: subprocess.CompletedProcess[str]) -> str:
    """What Pulumi says of its failure."""
    try:
        said = json.loads(done.stdout).get("diagnostics") or []
    except ValueError:
        said = []
    errors = [str(item["message"]).strip() for item in said if str(item.get("severity")).endswith(("error", "err"))]
    return "\n".join(errors) or tools.last_line(done.stderr)


def _kubeconfig(path: Path) -> Path:
    """The kubeconfig of a cluster that is not there. It has a user: without one, the provider asks for a name."""
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "none", "cluster": {"server": _NOWHERE}}],
        "users": [{"name": "none", "user": {"token": "none"}}],
        "contexts": [{"name": "none", "context": {"cluster": "none", "user": "none"}}],
        "current-context": "none",
    }
    path.write_text(json.dumps(config), encoding="utf-8")
    return path
