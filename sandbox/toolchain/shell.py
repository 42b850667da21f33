"""The environment in which plain `pulumi` and `kubectl` act on a sandbox."""

import os
import shlex
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from sandbox.machine.files import write
from sandbox.machine.progress import note
from sandbox.plugins.gitlab import VERSION as GITLAB_VERSION
from sandbox.toolchain.modules import (
    DOCKER_PLUGIN,
    DOCKER_VERSION,
    LANGUAGE_HOST,
    PROVIDER_PLUGIN,
    PROVIDER_VERSION,
    PYTHON_EXEC,
)
from sandbox.toolchain.tools import link, own_plugin

PROGRAMS = ("pulumi", PYTHON_EXEC, "kubectl")
"""What a user of the sandbox finds on PATH, beside the language host."""

GITLAB_PLUGIN = """\
#!/bin/sh
PYTHONPATH={root} exec {python} -P -m sandbox.plugins.gitlab "$@"
"""
# Isolated, and with nothing in its environment that the program would inherit.
OWN_LANGUAGE_HOST = """\
#!/bin/sh
exec {python} -I -c 'import sys; sys.path.append(sys.argv.pop(1))
from sandbox.plugins.language_python.__main__ import main
main()' {root} --use-executor {executor} "$@"
"""


class Shell:
    """The programs, the Pulumi home and the variables of the sandbox in `folder`."""

    def __init__(self, root: Path, folder: Path) -> None:
        """The shell of a sandbox in `folder`, of the repository at `root`."""
        self._root = root
        self._folder = folder
        self._programs = folder / "bin"
        self._home = folder / "pulumi"
        self._passphrase = folder / "passphrase"
        self._state = folder / "state"

    @property
    def machine_path(self) -> str:
        """$PATH without what a sandbox put there."""
        folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
        return os.pathsep.join(folder for folder in folders if not self._is_ours(folder))

    @property
    def machine_home(self) -> Path:
        """The user's own Pulumi folder, which may be missing."""
        home = os.environ.get("PULUMI_HOME", "")
        return Path(home) if home and not self._is_ours(home) else Path.home() / ".pulumi"

    def prepare(self, tools: Mapping[str, Path]) -> None:
        """Have everything in place that the variables name; reports each plugin that is not the official one."""
        link(tools, (*PROGRAMS, *([LANGUAGE_HOST] if LANGUAGE_HOST in tools else [])), self._programs)
        if LANGUAGE_HOST not in tools:
            self._write_language_host()
        link(tools, (PROVIDER_PLUGIN,), self._plugin("kubernetes", PROVIDER_VERSION))
        link(tools, (DOCKER_PLUGIN,), self._plugin("docker", DOCKER_VERSION))
        own = shutil.which("pulumi-resource-gitlab", path=self.machine_path)
        official = own_plugin("gitlab", GITLAB_VERSION, self.machine_home) or (Path(own).resolve() if own else None)
        folder, program = self._plugin("gitlab", GITLAB_VERSION), "pulumi-resource-gitlab"
        if official:
            (folder / program).unlink(missing_ok=True)
            link({program: official}, (program,), folder)
        else:
            link({}, (), folder)
            script = GITLAB_PLUGIN.format(root=shlex.quote(str(self._root)), python=shlex.quote(sys.executable))
            write(folder / program, script, 0o700)
            note(
                "uses", f"the sandbox's own gitlab plugin {GITLAB_VERSION}", "(the official one is not on this machine)"
            )
        write(self._passphrase, "sandbox\n")
        self._state.mkdir(mode=0o700, exist_ok=True)

    def variables(self, kubeconfig: Path, gitlab_url: str) -> dict[str, str]:
        """All of them but GITLAB_TOKEN."""
        ours = [str(self._programs), f"{sys.prefix}/bin"]
        rest = [folder for folder in self.machine_path.split(os.pathsep) if folder not in ours]
        return {
            "PATH": os.pathsep.join([*ours, *rest]),
            "VIRTUAL_ENV": sys.prefix,
            "PULUMI_HOME": str(self._home),
            "PULUMI_BACKEND_URL": f"file://{self._state}",
            "PULUMI_CONFIG_PASSPHRASE_FILE": str(self._passphrase),
            "PULUMI_SKIP_UPDATE_CHECK": "1",
            # The plugins are there: without this every run asks the network for them first.
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "KUBECONFIG": str(kubeconfig),
            "GITLAB_BASE_URL": f"{gitlab_url}/api/v4/",
        }

    def _write_language_host(self) -> None:
        words = {"root": self._root, "python": sys.executable, "executor": self._programs / PYTHON_EXEC}
        quoted = {name: shlex.quote(str(word)) for name, word in words.items()}
        write(self._programs / LANGUAGE_HOST, OWN_LANGUAGE_HOST.format(**quoted), 0o700)
        note("uses", "the sandbox's own Python language host", "(the official one is not on this machine)")

    def _plugin(self, name: str, version: str) -> Path:
        return self._home / "plugins" / f"resource-{name}-v{version}"

    def _is_ours(self, place: str) -> bool:
        return Path(place).is_relative_to(self._root / ".sandbox")


def exports(variables: Mapping[str, str], token: Path) -> str:
    """The variables as lines for `eval`, with GITLAB_TOKEN as the command that reads it: nothing secret is printed."""
    lines = [f"export {name}={shlex.quote(value)}" for name, value in variables.items()]
    return "\n".join([*lines, f'export GITLAB_TOKEN="$(cat {shlex.quote(str(token))})"'])
