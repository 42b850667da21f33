"""`python -m ops render`: what a stack would consist of, planned without secrets, state and servers.

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
import tarfile
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from components.settings.settings import OFFLINE
from components.source.folder import FOLDER
from ops import cli
from ops.console import report
from ops.ops_error import OpsError
from ops.preview import placeholders, yaml_document
from ops.stack_name import StackName

TIMEOUT_SECONDS = 180
UNKNOWN_IMAGE = "deployed-last.invalid/image:unknown"
"""Stands for the image that was deployed last, if the stack file names none: only the state knows it."""
_KEPT = (FOLDER, "LANG", "LC_ALL", "PATH", "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION", "PYTHONPATH", "TMPDIR")
# Nothing listens there.
_NOWHERE = "https://127.0.0.1:9"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("--stack", type=StackName.parse, required=True, help="name of the stack; its file must exist")
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
        plan = _IsolatedProgram(program, here, Path(folder), arguments.stack).plan()
    try:
        arguments.output.write_text(json.dumps(plan, indent=1) + "\n", encoding="utf-8")
    except (OSError, ValueError) as error:
        raise OpsError(f"The plan cannot be written to {str(arguments.output)!r} ({error}); name another file") from (
            error
        )
    where = f" at {arguments.ref}" if arguments.ref else ""
    report(f"{arguments.stack}{where}: {len(plan['steps'])} resources, in {arguments.output}")
    return 0


def _link(here: Path, program: Path) -> None:
    """Fills the folder with copies of the program's own content, and with links to what is hidden, such as `.venv`.

    A link would lead out of the folder, as no file of a stack may.
    """
    for entry in here.iterdir():
        if entry.name.startswith(".") or entry.is_symlink():
            (program / entry.name).symlink_to(entry)
        elif entry.is_dir():
            shutil.copytree(entry, program / entry.name, symlinks=True)
        else:
            shutil.copy(entry, program / entry.name)


def _check_out(ref: str, archive: Path, program: Path) -> None:
    """Fills the folder with the program as of a commit."""
    commit = cli.run("git", "rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}")
    if commit.stderr.strip():
        raise OpsError(f"git cannot read this checkout ({cli.last_line(commit.stderr)}); run this in the repository")
    if commit.returncode:
        raise OpsError(f"There is no commit {ref} in this checkout; fetch it first, in a GitLab job with GIT_DEPTH: 0")
    archived = cli.run("git", "archive", "--format=tar", f"--output={archive}", commit.stdout.strip())
    if archived.returncode:
        raise OpsError(
            f"git cannot archive the program at {ref} ({cli.last_line(archived.stderr)}); fetch the commit again"
        )
    # The data filter (PEP 706) refuses links and paths that lead out of the folder.
    try:
        shutil.unpack_archive(archive, program, filter="data")
    except tarfile.TarError as error:
        raise OpsError(
            f"The program at {ref} cannot be unpacked ({error}); take links that lead out of it away"
        ) from error


class _IsolatedProgram:
    """A copy of the program that is previewed with its tools and its plugins, and nothing else."""

    def __init__(self, program: Path, here: Path, folder: Path, stack: StackName) -> None:
        """`here` is the folder whose virtual environment is used; `folder` is for what only this preview needs."""
        self._program = program
        self._folder = folder
        self._stack = stack
        self._project = self._read_project()
        self._environment = self._prepare(here)

    def plan(self) -> dict[str, Any]:
        """The plan against an empty state; OpsError if the program does not get that far, with its errors."""
        secret = self._replace_stack_file()
        self._pulumi("stack", "init")
        for path, placeholder in secret.items():
            self._pulumi("config", "set", "--path", "--secret", arguments=(path, placeholder))
        saved = self._folder / "plan.json"
        shown = self._pulumi("preview", "--json", "--save-plan", str(saved), "--show-secrets")
        return placeholders.mark_secrets(json.loads(shown), json.loads(saved.read_text(encoding="utf-8")))

    def _read_project(self) -> Mapping[str, Any]:
        try:
            project = yaml_document.load((self._program / "Pulumi.yaml").read_text(encoding="utf-8"))
            return {"name": str(project["name"]), "runtime": project.get("runtime")}
        except (OSError, yaml.YAMLError, AttributeError, KeyError, TypeError, ValueError) as error:
            raise OpsError(
                f"Pulumi.yaml of this version of the program cannot be read ({type(error).__name__}); run this in the "
                "folder of the Pulumi project"
            ) from error

    def _replace_stack_file(self) -> Mapping[str, str]:
        """Writes the stack file anew, without its secrets; gives the placeholders that replace them."""
        file = self._program / self._stack.file
        if not file.is_file():
            raise OpsError(f"There is no {file.name} in this version of the program; name another stack")
        try:
            text = file.read_text(encoding="utf-8")
        except ValueError as error:
            raise OpsError(f"{file.name} is not UTF-8; save it as UTF-8") from error
        stack_file = placeholders.without_secrets(text)
        config, image = stack_file.config, f"{self._project['name']}:image"
        if self._deploys(config) and not config.get(image):
            # In the registry of the stack file, if it names one: no other is accepted.
            registry = config.get(f"{self._project['name']}:registry")
            server = registry.get("server") if isinstance(registry, dict) else None
            config[image] = f"{server}/{UNKNOWN_IMAGE}" if server else UNKNOWN_IMAGE
            report(f"{file.name} names no image: {config[image]} stands for it")
        # The names that providers generate would differ in the next preview.
        config["pulumi:autonaming"] = {"mode": "verbatim"}
        file.unlink()
        file.write_text(yaml.safe_dump({"config": config}, sort_keys=False), encoding="utf-8")
        return stack_file.placeholders

    def _deploys(self, config: Mapping[str, object]) -> bool:
        """Whether the stack has an image: for the block app, or for the files that a target names."""
        targets = {key: config.get(f"{self._project['name']}:{key}") for key in ("kubernetes", "dockerHost")}
        files = {"kubernetes": "manifests", "dockerHost": "compose"}
        return f"{self._project['name']}:app" in config or any(
            isinstance(block, dict) and files[name] in block for name, block in targets.items()
        )

    def _prepare(self, here: Path) -> dict[str, str]:
        """The environment: no variable of the job is in it but those that find the tools."""
        runtime = self._project["runtime"]
        options = runtime.get("options") if isinstance(runtime, dict) else None
        name = str((options if isinstance(options, dict) else {}).get("virtualenv") or ".venv")
        virtual = self._program / name
        if not virtual.exists():
            own = here / name
            virtual.symlink_to(own if own.exists() else sys.prefix)
        home, state, programs = (self._folder / name for name in ("pulumi", "state", "bin"))
        for folder in (home, state, programs):
            folder.mkdir()
        # Not all of PULUMI_HOME, which holds credentials.
        plugins = Path(os.environ.get("PULUMI_HOME") or Path.home() / ".pulumi", "plugins")
        if plugins.exists():
            (home / "plugins").symlink_to(plugins.resolve())
        # No Docker host can be reached, and this fails at once.
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
            # The provider requires a token, and would ask GitLab whose it is.
            "GITLAB_TOKEN": "none",
            "GITLAB_EARLY_AUTH_CHECK": "false",
            OFFLINE: "1",
        }

    def _pulumi(self, *command: str, arguments: tuple[str, ...] = ()) -> str:
        ended = cli.run(
            "pulumi",
            *command,
            "--stack",
            self._stack.short,
            "--non-interactive",
            "--",
            *arguments,
            environment=self._environment,
            timeout=TIMEOUT_SECONDS,
            folder=self._program,
            isolated=True,
        )
        if ended.returncode:
            raise OpsError(f"pulumi {command[0]} failed: {_errors(ended)}")
        return ended.stdout


def _errors(ended: subprocess.CompletedProcess[str]) -> str:
    """Pulumi's own errors."""
    try:
        items = json.loads(ended.stdout).get("diagnostics") or []
    except (ValueError, AttributeError):
        items = []
    errors = [str(item["message"]).strip() for item in items if str(item.get("severity")).endswith(("error", "err"))]
    return "\n".join(errors) or cli.last_line(ended.stderr)


def _kubeconfig(path: Path) -> Path:
    """The kubeconfig of a cluster that does not exist. It has a user: without one, the provider asks for a name."""
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
