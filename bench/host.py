"""What the figures are of: the machine, as far as it matters, and the versions of what ran."""

import os
import platform
import re
import shutil
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

from sandbox.instance import Instance
from sandbox.toolchain.modules import DOCKER_VERSION, KUBERNETES_VERSION, PROVIDER_VERSION, PULUMI_VERSION
from sandbox.toolchain.versions import go_module

PACKAGES = ("pulumi", "pulumi-kubernetes", "pulumi-gitlab", "pulumi-docker")


def host() -> dict[str, Any]:
    """Cores, memory, processor and kernel; nothing that names the machine."""
    information = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    model = re.search(r"^model name\s*:\s*(.+)$", information, re.MULTILINE)
    memory = re.search(r"^MemTotal:\s*(\d+) kB", Path("/proc/meminfo").read_text(encoding="utf-8"), re.MULTILINE)
    return {
        "cores": os.cpu_count(),
        "memory in GiB": round(int(memory[1]) / 2**20) if memory else None,
        "processor": model[1] if model else platform.machine(),
        "kernel": ".".join(platform.release().split(".")[:2]),
    }


def load() -> float:
    """Processes that ran or waited to run, on average of the last minute."""
    return round(os.getloadavg()[0], 1)


def versions(instance: Instance) -> dict[str, str]:
    """Of the programs and packages; of each plugin whose it is."""
    plugins = instance.folder / "pulumi" / "plugins"
    gitlab = next(iter(sorted(plugins.glob("resource-gitlab-*/pulumi-resource-gitlab"))), None)
    own = gitlab is not None and gitlab.read_bytes()[:2] == b"#!"
    language = instance.folder / "bin" / "pulumi-language-python"
    own_host = language.exists() and language.read_bytes()[:2] == b"#!"
    docker = subprocess.run(
        [shutil.which("docker") or "docker", "--version"], capture_output=True, text=True, check=False
    ).stdout
    return {
        "Python": platform.python_version(),
        **{package: version(package) for package in PACKAGES},
        "Pulumi CLI": f"v{PULUMI_VERSION}",
        "language host": "the sandbox's own, in Python" if own_host else "the official one",
        "plugin kubernetes": PROVIDER_VERSION,
        "plugin docker": DOCKER_VERSION,
        "plugin gitlab": "the sandbox's own, in Python" if own else "the official one",
        "Kubernetes": f"v{KUBERNETES_VERSION}",
        "Docker": (re.search(r"\d+\.\d+\.\d+", docker) or ["unknown"])[0],
        "Docker Compose": f"v{go_module('compose', 'github.com/docker/compose/v2')}",
        "Helm": f"v{go_module('helm', 'helm.sh/helm/v4')}",
    }
