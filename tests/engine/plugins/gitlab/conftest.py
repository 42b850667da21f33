"""A small Pulumi program, run by the real CLI against the GitLab double through the plugin as the engine starts it.

The tests with a stack hold for the official plugin too: GITLAB_PLUGIN, a path of its program, chooses that one.
"""

import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.plugins.gitlab import VERSION
from tests.support.gitlab_double import GitLabDouble
from tests.support.project import ROOT

VALUE = base64.b64encode(b"the canary value of a variable").decode()
"""What the programs of these tests call `secret`: maskable, and never to be seen."""

PRELUDE = f"""\
import os, sys
sys.path.append({str(ROOT)!r})
from components import sdk
sdk.load_as_used()
import pulumi
import pulumi_gitlab as gitlab

secret = pulumi.Output.secret(os.environ["CANARY"])
opts = pulumi.ResourceOptions(provider=gitlab.Provider("provider"))
"""
SECONDS = 120


class Stack:
    """One stack of one program, with a home, a state and a secret of its own."""

    def __init__(self, directory: Path, url: str, token: str, path: str) -> None:
        self.token = token
        self.program = directory / "program"
        self.state = directory / "state"
        self.home = directory / "home"
        plugin = self.home / "plugins" / f"resource-gitlab-v{VERSION}" / "pulumi-resource-gitlab"
        for folder in (self.program, self.state, plugin.parent):
            folder.mkdir(parents=True)
        if official := os.environ.get("GITLAB_PLUGIN"):
            plugin.symlink_to(Path(official).resolve(strict=True))
        else:
            plugin.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -P -m sandbox.plugins.gitlab "$@"\n')
            plugin.chmod(0o755)
        (self.program / "Pulumi.yaml").write_text("name: plugin\nruntime: python\n")
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("PULUMI_", "GITLAB_"))},
            "PATH": path,
            "PULUMI_HOME": str(self.home),
            "PULUMI_BACKEND_URL": f"file://{self.state}",
            "PULUMI_CONFIG_PASSPHRASE": "of a test",
            "PULUMI_SKIP_UPDATE_CHECK": "1",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "GITLAB_BASE_URL": f"{url}/api/v4/",
            "GITLAB_TOKEN": token,
            "CANARY": VALUE,
        }
        self.printed = ""
        self.declare("")
        self.run("stack", "init", "test")

    def declare(self, resources: str) -> None:
        """Write the program: these lines after PRELUDE, with `secret` and `opts` at hand."""
        (self.program / "__main__.py").write_text(PRELUDE + resources)

    def run(self, *arguments: str, fails: bool = False) -> str:
        """Run `pulumi`, check that it succeeded (or failed), and give what it printed, with secrets hidden."""
        done = self._pulumi(*arguments)
        if (done.returncode != 0) != fails:
            # No assert: pytest would show the output, secrets and all.
            pytest.fail(f"pulumi {arguments} gave {done.returncode}:\n{self.safe(done.stdout + done.stderr)}")
        return self.safe(done.stdout + done.stderr)

    def up(self, resources: str, *, fails: bool = False) -> str:
        """Declare these resources and run `pulumi up`."""
        self.declare(resources)
        return self.run("up", "--yes", "--skip-preview", fails=fails)

    def plan(self, resources: str) -> dict[str, str]:
        """Declare these resources; return what a preview would do, by resource name, without what stays the same."""
        steps = [(step["urn"].rpartition("::")[2], step["op"]) for step in self._preview(resources)]
        return {name: operation for name, operation in steps if operation not in ("same", "read")}

    def steps(self, resources: str, operation: str) -> list[dict[str, Any]]:
        """Declare these resources; return the steps of a preview that do this."""
        return [step for step in self._preview(resources) if step["op"] == operation]

    def _preview(self, resources: str) -> list[dict[str, Any]]:
        self.declare(resources)
        done = self._pulumi("preview", "--json")
        if done.returncode != 0:
            pytest.fail(self.safe(done.stdout + done.stderr))
        steps: list[dict[str, Any]] = json.loads(done.stdout)["steps"]
        return steps

    def _pulumi(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = ["pulumi", *arguments, "--non-interactive", "--color", "never"]
        done = subprocess.run(
            command,
            cwd=self.program,
            env=self.environment,
            text=True,
            capture_output=True,
            timeout=SECONDS,
            check=False,
        )
        self.printed += done.stdout + done.stderr
        return done

    def export(self) -> dict[str, Any]:
        """Give the stack's state, with its secrets encrypted."""
        exported: dict[str, Any] = json.loads(self.run("stack", "export"))
        return exported

    def resource(self, name: str) -> dict[str, Any]:
        """Give the state of one resource."""
        (found,) = [r for r in self.export()["deployment"]["resources"] if r["urn"].endswith(f"::{name}")]
        assert isinstance(found, dict)
        return found

    def safe(self, text: str) -> str:
        """Hide the secrets, for a failure's message."""
        for secret in self._secrets():
            text = text.replace(secret, "[SECRET]")
        return text

    def leaks(self) -> list[str]:
        """Name the places where a secret can be read: what was printed, and every file of state and home."""
        places = {"what pulumi printed": self.printed.encode()}
        files = [file for folder in (self.state, self.home) for file in folder.rglob("*") if file.is_file()]
        places |= {str(file): file.read_bytes() for file in files}
        secrets = [secret.encode() for secret in self._secrets()]
        return [place for place, content in places.items() if any(secret in content for secret in secrets)]

    def _secrets(self) -> list[str]:
        # A test may give another token, or none.
        plain = [VALUE, *sorted({self.token, self.environment.get("GITLAB_TOKEN", self.token)})]
        return [*plain, *(base64.b64encode(secret.encode()).decode().rstrip("=") for secret in plain)]


@pytest.fixture
def stack(tmp_path: Path, gitlab_double: GitLabDouble, engine: dict[str, str]) -> Iterator[Stack]:
    stack = Stack(tmp_path / "stack", gitlab_double.url, gitlab_double.token, engine["PATH"])
    yield stack
    assert stack.leaks() == []
