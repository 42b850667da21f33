"""The Python packages of a program, read from their metadata: `pip list` costs half a second of CPU at every start."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.plugins.stubs import language_pb2, plugin_pb2

WITHOUT_PLUGIN = {"pulumi_policy", "pulumi_esc_sdk"}
"""Packages that name no plugin and have none."""
_RELEASE = re.compile(r"(\d+(?:\.\d+)*)(?:(a|b|rc)(\d+))?(?:\.(post\d+))?(?:\.(dev\d+))?")
_STAGES = {"a": "alpha", "b": "beta", "rc": "rc"}


@dataclass(frozen=True)
class Package:
    """An installed package, named after its module."""

    name: str
    version: str
    location: Path


def installed(search_path: Sequence[str]) -> Iterator[Package]:
    """The packages in the folders of Python's search path; the first of a name counts, as in an import."""
    seen = set()
    for folder in filter(Path.is_dir, map(Path, search_path)):
        for entry in sorted(folder.glob("*.dist-info")):
            name, _, version = entry.name.removesuffix(".dist-info").partition("-")
            if name not in seen:
                seen.add(name)
                yield Package(name.replace(".", "_"), version, folder)


def required(search_path: Sequence[str]) -> Iterator[plugin_pb2.PackageDependency]:
    """The plugins of the installed packages: those with a pulumi-plugin.json, and those called pulumi-NAME."""
    for package in installed(search_path):
        file = package.location / package.name / "pulumi-plugin.json"
        plugin: dict[str, Any] = json.loads(file.read_bytes()) if file.exists() else {}
        named = package.name.startswith("pulumi_") and package.name not in WITHOUT_PLUGIN
        if not (plugin.get("resource") if plugin else named):
            continue
        version = plugin.get("version") or plugin_version(package.version)
        if version:
            yield plugin_pb2.PackageDependency(
                kind="resource",
                name=plugin.get("name") or package.name.removeprefix("pulumi_"),
                version="v" + version.removeprefix("v"),
                server=plugin.get("server", ""),
                parameterization=_parameterization(plugin.get("parameterization")),
            )


def plugin_version(package_version: str) -> str:
    """A package's version (PEP 440) as a plugin's (SemVer): `1.2rc4` is `1.2.0-rc.4`; empty if it has no such form."""
    found = _RELEASE.fullmatch(package_version)
    if not found:
        return ""
    release, stage, number, post, dev = found.groups()
    numbers = [*release.split("."), "0", "0"][: max(3, release.count(".") + 1)]
    build = "".join(filter(None, (post, dev)))
    return ".".join(numbers) + (f"-{_STAGES[stage]}.{number}" if stage else "") + (f"+{build}" if build else "")


def dependencies(search_path: Sequence[str], *, transitive: bool) -> list[language_pb2.DependencyInfo]:
    """The installed packages as their authors name them; without `transitive` no package that another requires."""
    # Only `pulumi about` asks, and it costs a tenth of a second.
    from importlib import metadata  # noqa: PLC0415

    found = {_normal(item.name): item for item in reversed(list(metadata.distributions(path=list(search_path))))}
    needed = {
        _normal(match[0])
        for item in found.values()
        for requirement in item.requires or ()
        if "extra ==" not in requirement and (match := re.match(r"[\w.-]+", requirement))
    }
    return [
        language_pb2.DependencyInfo(name=found[name].name, version=found[name].version)
        for name in sorted(found)
        if transitive or name not in needed
    ]


def _parameterization(given: dict[str, str] | None) -> plugin_pb2.PackageParameterization | None:
    if given is None:
        return None
    from base64 import b64decode  # noqa: PLC0415 - rare

    return plugin_pb2.PackageParameterization(
        name=given["name"], version=given["version"], value=b64decode(given["value"])
    )


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
