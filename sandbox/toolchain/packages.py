"""Debian packages that the sandbox runs, or copies programs from, installed if they are missing."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from sandbox.machine.progress import step
from sandbox.sandbox_error import SandboxError

PACKAGES = (
    "buildah",
    "busybox-static",
    "containerd",
    "containernetworking-plugins",
    "docker.io",
    "docker-registry",
    "hugo",
    "iproute2",
    "ipset",
    "iptables",
    "openssh-server",
    "runc",
    "skopeo",
)
SERVICES = {
    "containerd": ("containerd.service",),
    "docker.io": ("docker.service", "docker.socket"),
    "docker-registry": ("docker-registry.service",),
    "openssh-server": ("ssh.service",),
}
"""What those of them bring that would run from now on and be started at every boot."""
INSTEAD = {"containerd": "containerd", "docker.io": "dockerd"}
"""Programs that serve in place of a package: it would push Docker's own packages off the machine."""

POLICY = Path("/usr/sbin/policy-rc.d")
"""Asked by every Debian package before it starts a service (invoke-rc.d(8)); exit status 101 is "no"."""


def require_root() -> None:
    """SandboxError if this is not root on Linux: hosts are made of namespaces and mounts."""
    missing = "Linux" if sys.platform != "linux" else "root" if os.geteuid() != 0 else ""
    if missing:
        raise SandboxError(
            f"the sandbox needs {missing}, because its hosts are network namespaces and mounts: run it as root on "
            "Linux; without it the unit and engine tests and `pulumi` on a cluster and a GitLab of your own still work"
        )


def install(more: Sequence[str] = ()) -> None:
    """Install what is missing, without starting anything. SandboxError if that cannot be done.

    `more` are packages besides those that the sandbox itself needs.
    """
    wanted = (*PACKAGES, *more)
    here = _installed(wanted) | {package for package, program in INSTEAD.items() if shutil.which(program)}
    missing = [package for package in wanted if package not in here]
    if not missing:
        return
    if not shutil.which("apt-get"):
        raise SandboxError(
            f"these Debian packages are missing, and there is no apt-get to install them: {' '.join(missing)}; "
            "run the sandbox on Debian 12 or later"
        )
    with step("installs", "installed", f"Debian packages {' '.join(missing)}", expected="about 30 s"):
        _apt_get("update", "--quiet")
        with _no_services():
            _apt_get("install", "--quiet", "--yes", "--no-install-recommends", *missing)
        services = [service for package in missing for service in SERVICES.get(package, ())]
        if services and shutil.which("systemctl"):
            subprocess.run(["systemctl", "--quiet", "disable", *services], capture_output=True, check=False)


def _installed(packages: Sequence[str]) -> set[str]:
    if not shutil.which("dpkg-query"):
        return set()
    query = ["dpkg-query", "--show", "--showformat", "${db:Status-Status} ${Package}\n", *packages]
    # Its exit status tells of packages that nobody knows, too.
    listing = subprocess.run(query, capture_output=True, text=True, check=False).stdout
    return {name for status, _, name in (line.partition(" ") for line in listing.splitlines()) if status == "installed"}


def _apt_get(*arguments: str) -> None:
    command = ["apt-get", "-o", "DPkg::Lock::Timeout=300", *arguments]
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        end = "\n".join(f"  {line}" for line in (done.stdout + done.stderr).splitlines()[-20:])
        raise SandboxError(f"`{' '.join(command)}` fails:\n{end}")


@contextmanager
def _no_services() -> Iterator[None]:
    """Keep packages from starting their services for as long as the block lasts; a machine's own policy stays."""
    if POLICY.exists():
        yield
        return
    POLICY.write_text("#!/bin/sh\nexit 101\n", encoding="ascii")
    POLICY.chmod(0o755)
    try:
        yield
    finally:
        POLICY.unlink()
