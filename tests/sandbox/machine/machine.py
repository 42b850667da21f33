"""What a sandbox must leave as it is, and the questions tests ask about one."""

import hashlib
import subprocess
from dataclasses import dataclass
from pathlib import Path

from sandbox.instance import Instance
from sandbox.machine.process import Process
from sandbox.machine.state import State

PLACES = (
    "/etc/cni",
    "/etc/docker/daemon.json",
    "/opt/cni",
    "/run/docker.sock",
    "/run/sshd",
    "/usr/libexec/kubernetes",
    "/var/lib/cni",
    "/var/lib/docker",
    "/var/lib/kubelet",
    "/var/log/containers",
    "/var/log/pods",
)
"""Where Kubernetes, containerd, dockerd and sshd write when they run on the machine itself."""
ACCOUNTS = ("/etc/passwd", "/etc/shadow", "/etc/group", "/etc/hosts", "/etc/subuid")
TUNABLES = (
    "kernel/keys/root_maxbytes",
    "kernel/keys/root_maxkeys",
    "kernel/panic",
    "kernel/panic_on_oops",
    "net/ipv4/ip_forward",
    "vm/overcommit_memory",
    "vm/panic_on_oom",
)


@dataclass(frozen=True)
class Machine:
    """The machine, but for what other programs change while a test runs."""

    places: tuple[bool, ...]
    accounts: str
    """A hash of the files, which are not shown."""
    tunables: tuple[str, ...]
    rules: int
    mounts: tuple[str, ...]

    @classmethod
    def now(cls) -> "Machine":
        """As it is at this moment."""
        rules = subprocess.run(["iptables-save"], capture_output=True, text=True, check=True).stdout
        mounts = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
        return cls(
            places=tuple(Path(place).exists() for place in PLACES),
            accounts=hashlib.sha256(b"".join(Path(file).read_bytes() for file in ACCOUNTS)).hexdigest(),
            tunables=tuple(Path("/proc/sys", name).read_text() for name in TUNABLES),
            rules=rules.count("KUBE-"),
            mounts=tuple(mount for mount in mounts if "/.sandbox/" in mount),
        )


def processes(instance: Instance) -> dict[str, Process | None]:
    return State(instance.folder / "state.json").recorded()
