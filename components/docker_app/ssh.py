"""A Docker host reached over ssh: how it is addressed, and what is asked of it before and after a deploy.

Pure: no Pulumi here. Every answer is one sentence, or None where all is well.
"""

import base64
import hashlib
import json
import os
import re
import shlex
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

STACK_LABEL = "gitlab-deploy.stack"
"""Says whose a container is: PROJECT/STACK/NAME."""
TIMEOUT_SECONDS = 30
OLDEST_API = (1, 41)
"""The API of Docker 20.10, the oldest version this is tested with."""
_CONTROL_SECONDS = 30

_REFUSALS: tuple[tuple[str, str], ...] = (
    (
        r"UNPROTECTED PRIVATE KEY FILE|bad permissions",
        "the private key can be read by others, so ssh does not use it; run 'chmod 600' on it",
    ),
    (
        r"env var .* has no value|invalid environment variable expansion",
        "an environment variable in gitlab-deploy:dockerHost.identityFile is not set; set it to the path of the key",
    ),
    (
        r"Permission denied \(",
        "the host refuses this user with this key; check the user, and that the public key is in its authorized_keys",
    ),
    (r"Connection refused", "nothing listens on that port; check the port, and that sshd runs"),
    (r"Could not resolve hostname", "there is no host of this name; check the address"),
    (
        r"timed out|No route to host|Network is unreachable",
        "the host does not answer; check the address and the network",
    ),
    (
        r"permission denied.*docker.*sock|dial unix .*permission denied",
        "the user may not use Docker; make it a member of the group docker, and end its open sessions",
    ),
    (r"Cannot connect to the Docker daemon", "the Docker daemon is not running; start it"),
    (r"docker: (command )?not found", "there is no docker command for this user; install Docker"),
)


@dataclass(frozen=True)
class Container:
    """A container as `docker ps` lists it."""

    id: str
    name: str
    owner: str
    """Value of the label `gitlab-deploy.stack`; empty for a container of somebody else."""
    labels: str
    """All labels, as KEY=VALUE with commas between them."""


class WrongHostKeyError(Exception):
    """The host is another one than the stack file pins: nothing may be sent to it."""


@dataclass(frozen=True, kw_only=True)
class DockerHost:
    """How ssh gets to the host. Settings has checked the values: none of them can be taken for an option."""

    address: str
    """ssh://USER@HOST or ssh://USER@HOST:PORT."""
    host_key: str
    """The host's public key, as `ssh-keyscan` prints it without the name: TYPE BASE64."""
    identity_file: str | None = None
    """Private key, in which ssh expands ~ and ${VARIABLE}; with None an agent's, or one of ssh's default files."""

    @property
    def ssh_options(self) -> list[str]:
        """Options for ssh, the same on every machine, so that they make no difference in a stack's state.

        The host key stands in them by itself, with no file to be found or changed (ssh_config(5): KnownHostsCommand).
        """
        options = {
            "BatchMode": "yes",
            "ConnectTimeout": "10",
            "ServerAliveInterval": "15",
            "ServerAliveCountMax": "3",
            "StrictHostKeyChecking": "yes",
            "UserKnownHostsFile": "/dev/null",
            "GlobalKnownHostsFile": "/dev/null",
            "KnownHostsCommand": f"/bin/echo %H {self.host_key}",
            "HostKeyAlgorithms": _algorithms(self.host_key),
            # One connection for all of a run, and for one that follows: sshd limits new ones (MaxStartups).
            "ControlMaster": "auto",
            "ControlPath": f"~/.gitlab-deploy-{self._connection}",
            "ControlPersist": str(_CONTROL_SECONDS),
        }
        if self.identity_file:
            options |= {"IdentityFile": self.identity_file, "IdentitiesOnly": "yes"}
        return [part for name, value in options.items() for part in ("-o", f"{name}={value}")]

    @property
    def _connection(self) -> str:
        """Names the shared connection: one that was made to another host key or user is not used."""
        return hashlib.sha256(f"{self.address} {self.host_key} {self.identity_file}".encode()).hexdigest()[:16]

    def command(self, *arguments: str) -> list[str]:
        """The command that runs `docker ARGUMENTS` on the host."""
        url = urlsplit(self.address)
        options = [*self.ssh_options, "-p", str(url.port or 22), "-l", url.username or ""]
        # On the other side a shell takes the command apart again.
        return ["ssh", *options, "--", url.hostname or "", shlex.join(["docker", *arguments])]

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Runs `docker ARGUMENTS` on the host."""
        return subprocess.run(
            self.command(*arguments),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=TIMEOUT_SECONDS,
            check=False,
        )

    def send(self, content: bytes, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        """Runs `docker ARGUMENTS` on the host, with this on its standard input."""
        return subprocess.run(
            self.command(*arguments), input=content, capture_output=True, timeout=TIMEOUT_SECONDS, check=False
        )

    def problem(self, network: str | None) -> str | None:
        """Why a deploy to this host would fail, or None; `network` is one that has to be there.

        Raises WrongHostKeyError where the host is not the one the stack file pins.
        """
        where = f"The Docker host {self.address}"
        try:
            version = self.run("version", "--format", "{{.Server.APIVersion}}")
            if version.returncode:
                return f"{where} cannot be used: {self._refusal(version.stderr)}"
            found = re.fullmatch(r"(\d+)\.(\d+)", version.stdout.strip())
            if not found or (int(found[1]), int(found[2])) < OLDEST_API:
                has, oldest = version.stdout.strip(), ".".join(map(str, OLDEST_API))
                return f"{where} has Docker API {has}, older than {oldest}; upgrade Docker to 20.10 or newer"
            if network and self.run("network", "inspect", "--format", "{{.Name}}", network).returncode:
                return (
                    f"{where} has no network {network!r}; make it with 'docker network create {network}' and attach "
                    "the reverse proxy to it, or name the proxy's own as gitlab-deploy:dockerHost.network"
                )
        except subprocess.TimeoutExpired:
            return f"{where} does not answer within {TIMEOUT_SECONDS} s; check the address and the network"
        except FileNotFoundError:
            return f"{where} cannot be reached, for there is no ssh on this machine; install an OpenSSH client"
        return None

    def listing(self) -> list["Container"]:
        """Every container of the host, running or not."""
        form = f'{{{{.ID}}}}\t{{{{.Names}}}}\t{{{{.Label "{STACK_LABEL}"}}}}\t{{{{.Labels}}}}'
        lines = self.run("ps", "--all", "--no-trunc", "--format", form).stdout.splitlines()
        return [Container(*line.split("\t", 3)) for line in lines if line.count("\t") >= 3]

    def containers(self, label: str) -> list[str]:
        """Ids of the running containers that have the label (KEY=VALUE)."""
        return self.run("ps", "--no-trunc", "--quiet", "--filter", f"label={label}").stdout.split()

    def _refusal(self, stderr: str) -> str:
        if "HOST IDENTIFICATION HAS CHANGED" in stderr or "Host key verification failed" in stderr:
            sent = re.search(r"SHA256:[A-Za-z0-9+/]+", stderr)
            raise WrongHostKeyError(
                f"The Docker host {self.address} has the host key {sent[0] if sent else 'of another host'}, and the "
                f"stack file pins {fingerprint(self.host_key)}; find out why, and where the host was set up anew, put "
                "its new key into gitlab-deploy:dockerHost.hostKey"
            )
        if "no matching host key type" in stderr:
            return (
                f"it has no host key of type {self.host_key.partition(' ')[0]}, which the stack file pins; "
                "put one that it has into gitlab-deploy:dockerHost.hostKey"
            )
        key = self._key_problem() if "Permission denied (" in stderr else None
        if key:
            return key
        for pattern, sentence in _REFUSALS:
            if re.search(pattern, stderr, re.IGNORECASE):
                return sentence
        lines = [line for line in stderr.splitlines() if line.strip()]
        return f"{lines[-1].strip() if lines else 'ssh failed with no word'}; try 'ssh {self.address} docker version'"

    def _key_problem(self) -> str | None:
        """What is wrong with the private key itself, which ssh in batch mode passes over in silence."""
        if not self.identity_file:
            return None
        path = os.path.expandvars(Path(self.identity_file).expanduser())
        if not Path(path).is_file():
            return f"there is no private key at {path}; check gitlab-deploy:dockerHost.identityFile"
        read = subprocess.run(["ssh-keygen", "-y", "-P", "", "-f", path], capture_output=True, text=True, check=False)
        if read.returncode and "UNPROTECTED" not in read.stderr:
            return "the private key has a passphrase, or is damaged; add it to an ssh-agent, or use one without"
        return None


def fingerprint(host_key: str) -> str:
    """The fingerprint of a public key, as ssh shows it."""
    digest = hashlib.sha256(base64.b64decode(host_key.split(maxsplit=1)[1])).digest()
    return f"SHA256:{base64.b64encode(digest).decode().rstrip('=')}"


def last_words(host: DockerHost, container: str) -> list[str]:
    """What a container said last, line by line: its state, the output of its health check, and the end of its log."""
    inspected = host.run("inspect", "--format", "{{json .State}}", container)
    if inspected.returncode:
        return [f"Container {container} is gone"]
    state = cast("dict[str, object]", json.loads(inspected.stdout))
    health = cast("dict[str, object]", state.get("Health") or {})
    ended = f", exit {state.get('ExitCode')}" if state.get("Status") != "running" else ""
    lines = [f"Container {container}: {state.get('Status')}{ended}, {health.get('Status', 'no health check')}"]
    checks = cast("list[dict[str, object]]", health.get("Log") or [])
    if checks:
        lines.append(
            f"  health check: exit {checks[-1].get('ExitCode')}, {' '.join(str(checks[-1]['Output']).split())}"
        )
    logs = host.run("logs", "--timestamps", "--tail", "10", container)
    # Two streams, which their times put together again.
    said = sorted((logs.stdout + logs.stderr).splitlines())[-10:]
    return lines + [f"  log: {line.partition(' ')[2]}" for line in said]


def _algorithms(host_key: str) -> str:
    kind = host_key.partition(" ")[0]
    # The type of an RSA key is not the name of its signatures (RFC 8332).
    return "rsa-sha2-512,rsa-sha2-256" if kind == "ssh-rsa" else kind
