"""Every Python package is installed by its hash, and the lock files have what the requirements ask for."""

import re
from pathlib import Path

import pytest

from tests.support.project import ROOT

LOCKS = {
    "ops/requirements.lock": ["requirements.txt", "ops/requirements.txt"],
    "tests/requirements.lock": [
        "requirements.txt",
        "ops/requirements.txt",
        "sandbox/requirements.txt",
        "tests/requirements.txt",
    ],
}
REMEDY = "run make lock"


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def direct(file: Path) -> set[tuple[str, str]]:
    return {(canonical(name), version) for name, version in re.findall(r"(?m)^([\w.-]+)==(\S+)$", file.read_text())}


def locked(lock: str) -> dict[tuple[str, str], int]:
    """Number of hashes by package and version."""
    text = (ROOT / lock).read_text()
    found = re.findall(
        r"(?m)^([\w.-]+)==(\S+)(?: ; [^\\\n]+)? \\\n((?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)", text
    )
    # Nothing of the file is left over: no package without a hash, no address of an index.
    assert sum(2 + hashes.count("\n") - 1 for _, _, hashes in found) == len(
        [line for line in text.splitlines() if not line.startswith("#")]
    )
    return {(canonical(name), version): hashes.count("--hash=") for name, version, hashes in found}


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_file_has_the_versions_of_its_requirements_with_hashes(lock: str) -> None:
    packages = locked(lock)
    wanted = set.union(*(direct(ROOT / name) for name in LOCKS[lock]))
    assert wanted - set(packages) == set(), REMEDY
    # More than is asked for: what those packages require.
    assert len(packages) > len(wanted)
    # A package that was taken out, or an older version of it, is not left behind.
    names = [name for name, _ in packages]
    assert len(names) == len(set(names)), REMEDY


def test_jobs_and_tests_have_the_same_version_of_what_both_have() -> None:
    assert set(locked("ops/requirements.lock")) <= set(locked("tests/requirements.lock")), REMEDY


def test_every_requirements_file_has_a_lock_file() -> None:
    files = {str(file.relative_to(ROOT)) for file in (*ROOT.glob("requirements.txt"), *ROOT.glob("*/requirements.txt"))}
    assert files == set().union(*LOCKS.values())


@pytest.mark.parametrize("file", ["Makefile", "Containerfile", "ops/job.sh"])
def test_packages_are_installed_from_a_lock_file_alone(file: str) -> None:
    commands = re.findall(r"(?m)^.*\bpip install\b.*$", (ROOT / file).read_text())
    assert commands
    for command in commands:
        # The Makefile's own file has the lines of uv, which installs the rest.
        assert re.search(r"--require-hashes -r (\S*requirements\.lock|\.venv/uv\.txt)( |$)", command), command
