"""`runtime.options` of a Pulumi.yaml or PulumiPolicy.yaml."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sandbox.plugins.language_python.host_error import HostError
from sandbox.plugins.stubs import language_pb2

PLUGIN_VIRTUALENV = "venv"
"""Of a plugin that names none: a plugin never runs in the ambient Python (official host, RunPlugin)."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """What the host is asked to use."""

    root: Path
    """Folder of the project file."""
    virtualenv: str = ""
    """As it is written; empty is the ambient Python."""


def of(info: language_pb2.ProgramInfo, *, plugin: bool = False) -> Options:
    """The options of a program, or of a plugin. HostError if one has the wrong type or is not supported."""
    given: Mapping[str, object] = dict(info.options.items())
    for name in ("virtualenv", "toolchain", "typechecker"):
        if not isinstance(given.get(name, ""), str):
            raise HostError(f"{name} option must be a string")
    toolchain = given.get("toolchain", "pip")
    if toolchain in ("poetry", "uv"):
        raise HostError(
            f"the sandbox's own language host has no toolchain {toolchain}: set runtime.options.toolchain to pip, or "
            "install a release of Pulumi, whose language host the sandbox then uses"
        )
    if toolchain != "pip":
        raise HostError(f"unsupported toolchain option: {toolchain}")
    if given.get("typechecker"):
        raise HostError(
            "the sandbox's own language host runs no type checker: take runtime.options.typechecker out, or install a "
            "release of Pulumi, whose language host the sandbox then uses"
        )
    virtualenv = str(given.get("virtualenv", "")) or (PLUGIN_VIRTUALENV if plugin else "")
    return Options(root=Path(info.root_directory), virtualenv=virtualenv)
