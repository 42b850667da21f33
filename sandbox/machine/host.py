"""Hosts: machines of the sandbox, each made of namespaces of its own (network, processes, mounts, name).

Nothing of a host is in a place that other programs look at (/run/netns, the machine's mounts or network), and all of it
goes with the first process of the host, by the kernel's own guarantee (pid_namespaces(7)).
"""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sandbox.machine.namespaces import Namespaces
from sandbox.machine.process import Process
from sandbox.machine.state import State
from sandbox.machine.waiting import wait
from sandbox.sandbox_error import SandboxError

INIT = Path(__file__).with_name("init.py")
ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
    "LANG": "C.UTF-8",
}
"""All that a host's processes get: a proxy or a kubeconfig of the user's own environment has no business there."""

START = """
exec 3<&0
setsid sh -c 'read -r _ && exec "$@" < /dev/null >&2 3<&-' sh "$@" <&3 &
echo $!
"""
"""Starts a service as a child of the host's init, prints its pid there, and lets it go on after a line on stdin.

The shell that starts it ends at once. A service whose starter died before it noted the pid down never begins.
"""

SECRET = re.compile(r"glpat-[\w.-]+|eyJ[\w-]+\.[\w-]+\.[\w-]+")
"""GitLab's tokens, and those of ServiceAccounts."""


@dataclass(frozen=True)
class Service:
    """A program that runs in a host for as long as the host is up."""

    name: str
    """Unique in the sandbox: its log is `log/NAME.log`."""
    command: Sequence[str | Path]
    ready: Callable[[], bool]
    """Whether it serves."""
    seconds: float = 180
    """How long it may take until then."""
    environment: Mapping[str, str] = field(default_factory=dict)


class Host:
    """One host of a sandbox."""

    def __init__(self, name: str, folder: Path, state: State) -> None:
        """A host of the sandbox in `folder`; it is not started by this."""
        self.name = name
        self.data = folder / name
        self._logs = folder / "log"
        self._state = state

    @property
    def init(self) -> Process:
        """Its first process; SandboxError if the host is not running."""
        init = self._state.process(self.name)
        if not init:
            raise SandboxError(f"host {self.name} is not running: start the sandbox (python -m sandbox up)")
        return init

    @property
    def running(self) -> bool:
        """Whether it is up."""
        return self._state.process(self.name) is not None

    def start(self) -> bool:
        """Start it; False if it runs already."""
        if self.running:
            return False
        self.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        unshare = ["unshare", "--net", "--pid", "--mount", "--uts", "--propagation", "private"]
        launcher = subprocess.Popen(
            [*unshare, sys.executable, "-I", INIT, self.name],
            env=ENVIRONMENT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._introduce(launcher, self.name, Process.of)
        said, complaints = launcher.communicate()
        if said != "ready\n":
            raise SandboxError(f"host {self.name} does not start: {_last(complaints)}")
        return True

    def run(self, *command: str | Path, stdin: str | None = None) -> str:
        """Run a command in the host, fed `stdin`; its output, or SandboxError with the last line of its stderr."""
        done = subprocess.run(
            [*self._enter(), *command], env=ENVIRONMENT, input=stdin, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise SandboxError(f"{command[0]} fails in host {self.name}: {_last(done.stderr)}")
        return done.stdout

    def serve(self, service: Service) -> bool:
        """Have a service running and ready; False if it runs already.

        SandboxError with the end of its log if it does not become ready.
        """
        key = f"{self.name}/{service.name}"
        log = self._logs / f"{service.name}.log"
        process = self._state.process(key)
        fresh = process is None
        if not process:
            process = self._spawn(service, key, log)
        if not wait(lambda: not process.alive or service.ready(), service.seconds):
            raise SandboxError(f"{service.name} is not ready after {service.seconds:.0f} s.{_tail(log)}")
        if not process.alive:
            raise SandboxError(f"{service.name} stopped as soon as it was started.{_tail(log)}")
        return fresh

    def stop(self) -> None:
        """Kill it and everything in it. SandboxError if something does not end."""
        init = self._state.process(self.name)
        if init:
            init.kill()

    def _enter(self) -> list[str]:
        return ["nsenter", "--target", str(self.init.pid), "--net", "--pid", "--mount", "--uts", "--"]

    def _spawn(self, service: Service, key: str, log: Path) -> Process:
        log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as output:
            launcher = subprocess.Popen(
                [*self._enter(), "sh", "-c", START, "sh", *service.command],
                env={**ENVIRONMENT, **service.environment},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=output,
                text=True,
            )
        process = self._introduce(launcher, key, self._outside)
        launcher.communicate()
        if not process:
            raise SandboxError(f"{service.name} cannot be started.{_tail(log)}")
        return process

    def _introduce(
        self, launcher: subprocess.Popen[str], key: str, identify: Callable[[int], Process]
    ) -> Process | None:
        """Read a pid from the launcher, note down whose it is, and only then let that process go on."""
        stdin, stdout = launcher.stdin, launcher.stdout
        if not stdin or not stdout:
            raise ValueError("a launcher is started with pipes")
        pid = stdout.readline()
        if not pid:
            return None
        process = identify(int(pid))
        self._state.record(key, process)
        stdin.write("go\n")
        stdin.flush()
        return process

    def _outside(self, pid: int) -> Process:
        """The process that has this pid in the host."""
        try:
            with Namespaces(self.init) as namespaces:
                return Process.of(namespaces.pid_of(pid))
        except ProcessLookupError:
            raise SandboxError(f"a process of host {self.name} ended before it began") from None


def _tail(log: Path, lines: int = 20) -> str:
    """The end of a log, to be appended to an error."""
    end = log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:]
    return SECRET.sub("[hidden]", "\n".join([f" The end of {log}:", *(f"  {line}" for line in end)]))


def _last(text: str) -> str:
    return SECRET.sub("[hidden]", next(reversed(text.strip().splitlines()), "it says nothing"))
