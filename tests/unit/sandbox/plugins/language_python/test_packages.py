"""What the language host reads in the metadata of installed packages."""

import json
from pathlib import Path

import pytest

from sandbox.plugins.language_python import packages


def install(folder: Path, name: str, version: str, plugin: dict[str, object] | None = None, *needs: str) -> None:
    info = folder / f"{name}-{version}.dist-info"
    info.mkdir()
    lines = [f"Name: {name.replace('_', '-')}", f"Version: {version}", *(f"Requires-Dist: {need}" for need in needs)]
    (info / "METADATA").write_text("\n".join(["Metadata-Version: 2.1", *lines, ""]))
    if plugin is not None:
        (folder / name).mkdir()
        (folder / name / "pulumi-plugin.json").write_text(json.dumps(plugin))


def required(folder: Path) -> dict[str, str]:
    return {item.name: item.version for item in packages.required([str(folder)])}


def test_a_package_with_a_plugin_file_requires_that_plugin(tmp_path: Path) -> None:
    install(tmp_path, "pulumi_docker", "5.0.0", {"resource": True, "name": "docker", "version": "5.0.1"})
    install(tmp_path, "acme_cloud", "1.0", {"resource": True, "name": "acme"})
    install(tmp_path, "pulumi_random", "4.1.0", {"resource": True})
    assert required(tmp_path) == {"docker": "v5.0.1", "acme": "v1.0.0", "random": "v4.1.0"}


def test_a_package_with_no_plugin_of_its_own_requires_none(tmp_path: Path) -> None:
    install(tmp_path, "pulumi_std", "1.0.0", {"resource": False})
    install(tmp_path, "pulumi_policy", "1.21.0")
    install(tmp_path, "requests", "2.34.2")
    install(tmp_path, "pulumi_odd", "1!2.0")
    assert required(tmp_path) == {}


def test_a_pulumi_package_without_a_plugin_file_requires_the_plugin_of_its_name(tmp_path: Path) -> None:
    install(tmp_path, "pulumi_random", "4.1.0")
    assert required(tmp_path) == {"random": "v4.1.0"}


def test_the_first_folder_of_the_search_path_wins(tmp_path: Path) -> None:
    for folder, version in (("first", "1.0.0"), ("second", "2.0.0")):
        (tmp_path / folder).mkdir()
        install(tmp_path / folder, "pulumi_random", version)
    path = [str(tmp_path / folder) for folder in ("missing", "first", "second")]
    assert [item.version for item in packages.required(path)] == ["v1.0.0"]
    assert [item.version for item in packages.dependencies(path, transitive=True)] == ["1.0.0"]


def test_a_parameterized_package_carries_its_parameter(tmp_path: Path) -> None:
    parameter = {"name": "b", "version": "1.0.0", "value": "aGk="}
    install(tmp_path, "pulumi_b", "1.0.0", {"resource": True, "name": "a", "parameterization": parameter})
    (item,) = packages.required([str(tmp_path)])
    assert (item.name, item.parameterization.name, item.parameterization.value) == ("a", "b", b"hi")


@pytest.mark.parametrize(
    ("package", "plugin"),
    [
        ("1.2.3", "1.2.3"),
        ("1.0", "1.0.0"),
        ("1", "1.0.0"),
        ("1.2.3.4", "1.2.3.4"),
        ("1.2.3a4", "1.2.3-alpha.4"),
        ("1.2b4", "1.2.0-beta.4"),
        ("1.2.3rc4", "1.2.3-rc.4"),
        ("1.2.3.post4", "1.2.3+post4"),
        ("1.2.3.dev5", "1.2.3+dev5"),
        ("1.2.3.post4.dev5", "1.2.3+post4dev5"),
        ("1!1.2.3", ""),
        ("1.2.3+local", ""),
    ],
)
def test_a_packages_version_becomes_the_plugins(package: str, plugin: str) -> None:
    assert packages.plugin_version(package) == plugin


def test_direct_dependencies_are_those_that_no_other_package_requires(tmp_path: Path) -> None:
    install(tmp_path, "one", "1.0", None, "two>=1", "three; extra == 'fast'")
    install(tmp_path, "two", "1.0")
    install(tmp_path, "three", "1.0")
    path = [str(tmp_path)]
    assert [item.name for item in packages.dependencies(path, transitive=True)] == ["one", "three", "two"]
    assert [item.name for item in packages.dependencies(path, transitive=False)] == ["one", "three"]
