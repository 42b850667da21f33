"""A sandbox: its hosts, its network and the folder that holds all it writes."""

import re
import shutil
from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from sandbox.example import images as site
from sandbox.gitlab.registry_auth import registry_settings
from sandbox.hosts import registry
from sandbox.hosts.docker_host import DockerHost
from sandbox.hosts.gitlab_host import GitLabHost
from sandbox.hosts.node import Node
from sandbox.machine import cgroups, claim, inotify
from sandbox.machine.files import locked, write
from sandbox.machine.host import Host
from sandbox.machine.namespaces import Namespaces
from sandbox.machine.network import Network, connect, connected, disconnect
from sandbox.machine.progress import duration, note, step
from sandbox.machine.state import State
from sandbox.machine.waiting import run_parallel, wait
from sandbox.names import CACHE, REGISTRY, ROOT
from sandbox.sandbox_error import SandboxError
from sandbox.toolchain import packages, tools
from sandbox.toolchain.shell import Shell, exports


class Instance:
    """The sandbox called `name`. Several run side by side: each has a folder, a network and hosts of its own."""

    def __init__(self, name: str = "sandbox") -> None:
        """Name a sandbox; nothing is started. SandboxError for a name that cannot be a folder's."""
        if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,30}", name):
            raise SandboxError(
                f"--name {name}: up to 31 lower-case letters, digits and hyphens make a name, no hyphen first"
            )
        self.name = name
        self.folder = ROOT / ".sandbox" / name
        self.kubeconfig = self.folder / "kubeconfig"
        """With the rights of the cluster's administrator."""
        self._state = State(self.folder / "state.json")
        self._lan, self._node, self._gitlab, self._docker = (
            Host(host, self.folder, self._state) for host in ("lan", "node", "gitlab", "docker")
        )
        self._hosts = (self._lan, self._node, self._gitlab, self._docker)
        self._shell = Shell(ROOT, self.folder)

    @property
    def network(self) -> Network:
        """Its addresses; SandboxError if it was not started yet."""
        index = self._state.index
        if index is None:
            raise self._missing()
        return Network(index)

    @property
    def gitlab(self) -> GitLabHost:
        """GitLab and the registry: their addresses, and the file with the token."""
        return GitLabHost(self._gitlab, self.network)

    @property
    def docker(self) -> DockerHost:
        """The Docker host: its address, host key, and the file with the private key."""
        return DockerHost(self._docker, self.network)

    def build(self, more: Sequence[str] = ()) -> dict[str, Path]:
        """Have everything installed and built, and `more` Debian packages; the programs, by name."""
        packages.require_root()
        packages.install(more)
        return tools.provide(CACHE, self._shell.machine_path, self._shell.machine_home)

    def up(self) -> None:
        """Have everything installed, built and ready. SandboxError with what is in the way; another `up` goes on."""
        packages.require_root()
        with locked(self.folder):
            programs = self.build()
            if not self._node.running:
                inotify.require()
            self._claim()
            self._shell.prepare(programs)
            run_parallel(*(host.start for host in self._hosts))
            network = self.network
            connect(network, self._lan, [self._node, self._gitlab, self._docker])
            gitlab = GitLabHost(self._gitlab, network)
            node = Node(self._node, network, programs, gitlab.registry)
            expected = "" if self._state.process("node/kubelet") else "about 10 s"
            with step("starts", "running", f"Kubernetes: {node.server}", expected=expected):
                run_parallel(
                    gitlab.start,
                    lambda: registry.start(self._gitlab, network, registry_settings(gitlab.data, gitlab.url)),
                    node.start,
                    self.docker.start,
                )
            versions = ", ".join(site.publish(gitlab.registry, gitlab.credentials))
            note("running", f"registry: http://{gitlab.registry}", f"({REGISTRY}/{site.REPOSITORY}: {versions})")
            note("running", f"GitLab: {gitlab.url}")
            note("running", f"Docker: {self.docker.address}", f"(its sites: https on {self.docker.proxy})")
            write(self.kubeconfig, node.kubeconfig("admin"))

    def down(self) -> None:
        """Stop everything and remove all it wrote. SandboxError naming what is left, if something is."""
        packages.require_root()
        with locked(self.folder):
            claimed = [Network(index) for index in claim.held(self.folder)]
            for network in claimed:
                cgroups.thaw(network.cgroup)
            left = self._stop_hosts()
            for network in claimed:
                disconnect(network)
                if connected(network):
                    left.append(f"interface {network.interface}")
                if not wait(partial(cgroups.remove, network.cgroup), 60):
                    left += [f"control group {folder}" for folder in cgroups.remaining(network.cgroup)]
            left += [f"mount {place}" for place in _mounts(self.folder)]
            if left:
                raise SandboxError(
                    f"sandbox {self.name} is down but for this, which has to be removed first: {', '.join(left)}"
                )
            claim.release(self.folder)
            shutil.rmtree(self.folder)
        note("down", f"sandbox {self.name}", "no process, mount, interface, control group or file of it is left")

    def _stop_hosts(self) -> list[str]:
        """Stop what runs; says which processes are left."""
        running = [host for host in self._hosts if host.running]
        with ExitStack() as stack:
            held = {host.name: stack.enter_context(Namespaces(host.init)) for host in running}
            run_parallel(*(host.stop for host in running))
            # What an interrupted `up` was about to start is in the host's network alone, and ends by itself.
            wait(lambda: not any(namespaces.members() for namespaces in held.values()), 10)
            return [f"process {pid} of host {name}" for name in held for pid in held[name].members()]

    def status(self) -> list[str]:
        """A line for each host and service: whether it runs, since when, and its pid and address."""
        recorded = self._state.recorded()
        if not recorded:
            return [f"sandbox {self.name} is not running"]
        lines = []
        for key in sorted(recorded):
            process = recorded[key]
            host, _, service = key.partition("/")
            address = self.network.address(host) if not service and host != "lan" else ""
            state = f"running for {duration(process.age)}" if process else "not running"
            pid = f"pid {process.pid}" if process else ""
            lines.append(f"{f'  {service}' if service else host:<26}{state:<28}{pid:<14}{address}".rstrip())
        return [*lines, f"sandbox {self.name}: Services at {self.network.services}, files in {self.folder}"]

    def environment(self) -> dict[str, str]:
        """The variables with which `pulumi` and `kubectl` act on it, GITLAB_TOKEN with its value among them."""
        return {**self._variables(), "GITLAB_TOKEN": self.gitlab.token.read_text(encoding="utf-8").strip()}

    def exports(self) -> str:
        """The same for `eval` in a shell, with nothing secret in it."""
        return exports(self._variables(), self.gitlab.token)

    def _variables(self) -> dict[str, str]:
        if not self.kubeconfig.exists():
            raise self._missing()
        return {
            **self._shell.variables(self.kubeconfig, self.gitlab.url),
            # Through the claim, which is a link to the folder: a socket's path may be 107 bytes long.
            "DOCKER_HOST": f"unix://{claim.CLAIMS}/{self.network.cgroup}/{self.docker.socket}",
            # What the stack file needs to reach the same Docker over ssh, as it is reached elsewhere.
            "SANDBOX_DOCKER_ADDRESS": self.docker.address,
            "SANDBOX_SSH_KEY": str(self.docker.key),
            # Who has signed the certificate of the Docker host's sites.
            "SANDBOX_CA": str(self.docker.certificate.authority),
        }

    def _missing(self) -> SandboxError:
        return SandboxError(f"sandbox {self.name} does not exist: start it (python -m sandbox --name {self.name} up)")

    def _claim(self) -> None:
        """Take a number. What was made for another number is of no use any more, and goes."""
        before = self._state.index
        index = claim.claim(self.folder, before)
        if before not in {None, index}:
            note(
                "resets",
                f"sandbox {self.name}",
                f"its network 10.213.{before}.0/24 is in use now; it starts from nothing",
            )
            for host in self._hosts:
                host.stop()
            for place in _mounts(self.folder):
                raise SandboxError(f"{place} is mounted: unmount it, then start sandbox {self.name} again")
            for entry in self.folder.iterdir():
                if entry.is_dir():
                    shutil.rmtree(entry)
                else:
                    entry.unlink()
        self._state.index = index


def _mounts(folder: Path) -> list[Path]:
    """Mount points in the folder (proc_pid_mountinfo(5); its escapes are those of octal bytes)."""
    found = []
    for line in Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines():
        place = Path(re.sub(r"\\(\d{3})", lambda code: chr(int(code[1], 8)), line.split()[4]))
        if place.is_relative_to(folder):
            found.append(place)
    return found
