"""Packages that are missing are installed in one go, with no service started by it, now or at the next boot."""

import os
from pathlib import Path

import pytest

from sandbox.sandbox_error import SandboxError
from sandbox.toolchain import packages
from sandbox.toolchain.packages import PACKAGES
from tests.support.programs import program

ALL = "\n".join(f"installed {package}" for package in PACKAGES)


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A log of what apt-get and systemctl are asked for, and whether services may start meanwhile."""
    log, policy = tmp_path / "calls", tmp_path / "policy-rc.d"
    ask = f'{{ echo "$(basename $0) $*"; [ -e {policy} ] && {policy}; echo $?; }} >> {log}'
    program(tmp_path / "bin", "apt-get", ask)
    program(tmp_path / "bin", "systemctl", ask)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    monkeypatch.setattr(packages, "POLICY", policy)
    return log


def installed(tmp_path: Path, listing: str) -> None:
    program(tmp_path / "bin", "dpkg-query", f"cat << EOF\n{listing}\nEOF\nexit 1")


def test_nothing_is_done_where_all_is_there(tmp_path: Path, calls: Path) -> None:
    installed(tmp_path, ALL)
    packages.install()
    assert not calls.exists()


def test_what_is_missing_is_installed_without_starting_services(tmp_path: Path, calls: Path) -> None:
    installed(
        tmp_path,
        ALL.replace("installed docker-registry", "config-files docker-registry").replace("installed hugo\n", ""),
    )
    packages.install()
    lock = "apt-get -o DPkg::Lock::Timeout=300"
    assert calls.read_text().splitlines() == [
        f"{lock} update --quiet",
        "1",
        f"{lock} install --quiet --yes --no-install-recommends docker-registry hugo",
        "101",
        "systemctl --quiet disable docker-registry.service",
        "1",
    ]
    assert not packages.POLICY.exists()


def test_more_packages_than_the_sandboxs_own_can_be_asked_for(tmp_path: Path, calls: Path) -> None:
    installed(tmp_path, ALL)
    packages.install(["rsync"])
    assert "install --quiet --yes --no-install-recommends rsync\n" in calls.read_text()


def test_a_policy_of_the_machine_stays_as_it_is(tmp_path: Path, calls: Path) -> None:
    policy = program(tmp_path, "policy-rc.d", "exit 101 # mine")
    installed(tmp_path, ALL.replace("installed runc", ""))
    packages.install()
    assert "# mine" in policy.read_text()
    assert calls.exists()


def test_a_failure_shows_what_apt_get_said_and_leaves_no_policy(tmp_path: Path, calls: Path) -> None:
    program(tmp_path / "bin", "apt-get", '[ "$3" = update ] || { echo "Unable to locate package runc"; exit 100; }')
    installed(tmp_path, ALL.replace("installed runc", ""))
    with pytest.raises(SandboxError, match=r"--no-install-recommends runc` fails:\n  Unable to locate package runc"):
        packages.install()
    assert not packages.POLICY.exists()
    assert not calls.exists()


def test_without_apt_get_the_missing_packages_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed(tmp_path, ALL.replace("installed runc", ""))
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}")
    (tmp_path / "bin" / "cat").symlink_to("/bin/cat")
    with pytest.raises(SandboxError, match="packages are missing, and there is no apt-get to install them: runc;"):
        packages.install()


def test_a_user_who_is_not_root_reads_what_is_missing_and_what_works(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(SandboxError, match=r"the sandbox needs root, .*: run it as root on Linux; without it .* work"):
        packages.require_root()


def test_another_system_than_linux_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "darwin")
    with pytest.raises(SandboxError, match="the sandbox needs Linux, "):
        packages.require_root()
