"""A version is pinned in one file; where another file cannot read it from there, the two are kept equal."""

import re
import subprocess
from pathlib import Path

import pytest

from sandbox.names import ROOT
from sandbox.toolchain.versions import go_module, python_package

PINS = {
    "pulumi": python_package("pulumi"),
    "the CLI": go_module("cli", "github.com/pulumi/pulumi/pkg/v3"),
    "pulumi-kubernetes": python_package("pulumi-kubernetes"),
    "pulumi-gitlab": python_package("pulumi-gitlab"),
    "pulumi-docker": python_package("pulumi-docker"),
    "Kubernetes": go_module("kubernetes", "k8s.io/kubernetes"),
    "etcd": go_module("kubernetes", "go.etcd.io/etcd/server/v3"),
}
PINNING = re.compile(r"(^|/)(requirements\.(txt|lock)|go\.(mod|sum)|package(-lock)?\.json)$")
"""Files whose subject is pins; no other may hold one."""
RECORDED = re.compile(r"^tests/support/plans/|^docs/performance(\.md$|/)")
"""What an engine printed once, and what was measured on a day."""
OF_USERS = re.compile(r"^Pulumi\.(?!sandbox\.)[^/]+\.yaml$")
"""Stack files, which have whatever version their users like."""
COPIES = {"Containerfile": {"pulumi", "Kubernetes"}}
"""Files in a language that cannot read another file, and what each repeats."""


def files() -> list[str]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    return [name for name in listed if (ROOT / name).is_file() and not (RECORDED.search(name) or OF_USERS.search(name))]


def copies(text: str) -> set[str]:
    """The parts whose pinned version stands in a text, as a version and not as a piece of a longer one."""
    return {part for part, version in PINS.items() if re.search(rf"(?<![\d.]){re.escape(version)}(?![\d.]*\d)", text)}


def test_no_file_but_the_one_that_pins_it_repeats_a_version() -> None:
    found = {name: copies((ROOT / name).read_text(errors="replace")) for name in files() if not PINNING.search(name)}
    assert {name: parts for name, parts in found.items() if parts} == COPIES


def test_the_runner_image_has_the_cli_and_the_kubectl_that_are_pinned() -> None:
    lines = (ROOT / "Containerfile").read_text().splitlines()
    images = dict(line.split()[1].rsplit(":", 1) for line in lines if line.startswith("FROM "))
    assert images["docker.io/pulumi/pulumi-python"] == PINS["pulumi"]
    assert images["registry.k8s.io/kubectl"] == f"v{PINS['Kubernetes']}"


def test_requirements_files_pin_a_shared_package_to_one_version() -> None:
    pinned: dict[str, set[str]] = {}
    for name in files():
        if Path(name).name == "requirements.txt":
            for package, version in re.findall(r"^(\S+)==(\S+)$", (ROOT / name).read_text(), re.MULTILINE):
                pinned.setdefault(package, set()).add(version)
    assert {package: versions for package, versions in pinned.items() if len(versions) > 1} == {}


@pytest.mark.parametrize("text", ["pulumi 3.1.0", "v3.1.0\n", "[3.1.0]", "3.1.0-rc"])
def test_a_copy_of_a_version_is_found_in_a_text(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PINS, "pulumi", "3.1.0")
    assert "pulumi" in copies(text)


@pytest.mark.parametrize("text", ["13.1.0", "3.1.0.5", "3.1", "3.1.01"])
def test_a_piece_of_a_longer_version_is_no_copy(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PINS, "pulumi", "3.1.0")
    assert "pulumi" not in copies(text)


def test_a_package_that_is_not_pinned_is_named() -> None:
    with pytest.raises(ValueError, match="no version of pulumi-aws is pinned"):
        python_package("pulumi-aws")
