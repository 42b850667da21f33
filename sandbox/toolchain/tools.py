"""The programs that the sandbox runs: the machine's own if they are the right ones, else built from Go modules.

Traefik comes in a wheel.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from sandbox.toolchain import wheels
from sandbox.toolchain.build import programs
from sandbox.toolchain.modules import (
    CLI,
    DOCKER,
    DOCKER_PLUGIN,
    DOCKER_VERSION,
    KUBE_ROUTER,
    KUBERNETES,
    KUBERNETES_VERSION,
    LANGUAGE_HOST,
    PROVIDER,
    PROVIDER_PLUGIN,
    PROVIDER_VERSION,
)
from sandbox.toolchain.versions import go_module


def _numbers(version: str) -> tuple[int, ...]:
    """Major and minor."""
    return tuple(int(number) for number in version.split(".")[:2])


PULUMI_SINCE = (3, 250)
"""The machine's own CLI is taken from this version on."""
KUBERNETES_MINOR = _numbers(KUBERNETES_VERSION)
"""The machine's own Kubernetes is taken in this version only, whatever its patch."""
ETCD_MINOR = _numbers(go_module("kubernetes", "go.etcd.io/etcd/server/v3"))


def provide(cache: Path, path: str, home: Path) -> dict[str, Path]:
    """Every program, by name: found in the folders of `path` (as $PATH), or built in `cache`.

    The language host is there if the machine has a Pulumi of its own: the official one cannot be built. The plugins are
    found in `home`, the user's Pulumi folder. SandboxError if something does not build.
    """
    found = own_pulumi(path) or programs(CLI, cache)
    found |= own_kubernetes(path) or programs(KUBERNETES, cache)
    found |= programs(KUBE_ROUTER, cache)
    found |= wheels.traefik(cache)
    for module, program, name, version in (
        (PROVIDER, PROVIDER_PLUGIN, "kubernetes", PROVIDER_VERSION),
        (DOCKER, DOCKER_PLUGIN, "docker", DOCKER_VERSION),
    ):
        plugin = own_plugin(name, version, home)
        found |= {program: plugin} if plugin else programs(module, cache)
    return found


def own_pulumi(path: str) -> dict[str, Path] | None:
    """The machine's own CLI with the Python language host beside it, as a release has them; None for any other."""
    cli = shutil.which("pulumi", path=path)
    if not cli:
        return None
    folder = Path(cli).resolve().parent
    found = {name: folder / name for name in (*CLI.programs, LANGUAGE_HOST)}
    version = _version(found["pulumi"], "version")
    fits = version >= PULUMI_SINCE and version[:1] == PULUMI_SINCE[:1]
    return found if fits and all(program.exists() for program in found.values()) else None


def own_kubernetes(path: str) -> dict[str, Path] | None:
    """The machine's own Kubernetes and etcd; None where a program is missing or has another version."""
    found = {name: Path(place).resolve() for name in KUBERNETES.programs if (place := shutil.which(name, path=path))}
    if len(found) < len(KUBERNETES.programs):
        return None
    for name, program in found.items():
        question = ("version", "--client") if name == "kubectl" else ("--version",)
        if _version(program, *question) != (ETCD_MINOR if name == "etcd" else KUBERNETES_MINOR):
            return None
    return found


def own_plugin(name: str, version: str, home: Path) -> Path | None:
    """The user's own, official plugin of exactly this version, where there is one."""
    program = home / "plugins" / f"resource-{name}-v{version}" / f"pulumi-resource-{name}"
    return program.resolve() if program.exists() else None


def link(found: Mapping[str, Path], names: Sequence[str], folder: Path) -> None:
    """Have these programs, and no others, in `folder`.

    As hard links where that can be: the CLI looks for its language host, and that for its script, beside the file that
    was started, which for a symbolic link is where it leads.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for place in folder.iterdir():
        if place.name not in names or not place.exists() or not place.samefile(found[place.name]):
            place.unlink()
    for name in names:
        if not (folder / name).exists():
            try:
                (folder / name).hardlink_to(found[name].resolve())
            except OSError:  # on another file system
                (folder / name).symlink_to(found[name])


def _version(program: Path, *question: str) -> tuple[int, ...]:
    """Major and minor version of a program, as it says itself; () where it does not."""
    environment = {**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "1"}
    try:
        done = subprocess.run(
            [program, *question], env=environment, capture_output=True, text=True, check=False, timeout=20
        )
    except (OSError, subprocess.TimeoutExpired):
        return ()
    said = re.search(r"\bv?(\d+)\.(\d+)\.\d+", done.stdout)
    return tuple(int(number) for number in said.groups()) if said else ()
