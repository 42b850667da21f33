"""Whether a Docker host can be used, and which containers are on it: asked before a deploy. No Pulumi here."""

import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, replace

from components.docker_app.listed_container import ListedContainer
from components.docker_app.private_key import private_key_problem
from components.docker_app.remote_docker import (
    TIMEOUT_SECONDS,
    RemoteDocker,
    RemoteDockerError,
    RemoteDockerTimeoutError,
)
from components.docker_app.ssh_errors import WrongHostKeyError, explain, is_about_jump_host, is_refused_key
from components.printable import printable
from components.settings.docker_host import DockerHost

_VERSION = ("version", "--format", "{{.Server.APIVersion}}")
OLDEST_API = (1, 41)
"""The API of Docker 20.10, the oldest version this is tested with."""


@dataclass(frozen=True, kw_only=True)
class HostCheck:
    """What was found on a Docker host."""

    problem: str | None = None
    """Why a deploy to it would fail, in one sentence with the fix."""
    is_another_host: bool = False
    """Whether the problem is that the host has another key than the pinned one: nothing may be sent to it."""
    containers: tuple[ListedContainer, ...] | None = None
    """The containers on it; None if it was not asked, or there is a problem."""
    api: str | None = None
    """Version of its Engine API, such as 1.44; None as above."""


def check_host(target: DockerHost | None) -> HostCheck:
    """Checks the host that a block names, and lists its containers; with None there is nothing to check."""
    if target is None:
        return HostCheck()
    remote = RemoteDocker.of(target)
    try:
        problem, api = _usable(remote, target.joined)
        return HostCheck(problem=problem) if problem else HostCheck(containers=remote.listing(), api=api)
    except WrongHostKeyError as error:
        return HostCheck(problem=str(error), is_another_host=True)
    except RemoteDockerError as error:
        reason = printable(str(error)) or "the connection was lost"
        return HostCheck(problem=f"The Docker host {remote.address} does not list its containers ({reason}); try again")


def host_problem(remote: RemoteDocker, networks: Sequence[str] = ()) -> str | None:
    """Why a deploy to this host would fail, or None. WrongHostKeyError if it is not the host of the pinned key."""
    return _usable(remote, networks)[0]


def _usable(remote: RemoteDocker, networks: Sequence[str]) -> tuple[str | None, str | None]:
    """Why the host cannot be used, or None, and the version of its Engine API."""
    where = f"The Docker host {remote.address}"
    try:
        api, stderr = _api(remote)
        if api is None:
            cause = explain(stderr, remote.address, remote.host_key)
            if is_refused_key(stderr) and remote.identity_file:
                cause = private_key_problem(remote.identity_file) or cause
            return f"{where} cannot be used: {cause}", None
        found = re.fullmatch(r"([0-9]+)\.([0-9]+)", api)
        if not found or (int(found[1]), int(found[2])) < OLDEST_API:
            oldest = ".".join(map(str, OLDEST_API))
            return f"{where} has Docker API {api}, older than {oldest}; upgrade Docker to 20.10 or newer", None
        for network in networks:
            if remote.request("GET", f"/networks/{network}").message:
                return _no_network(where, network), None
    except (subprocess.TimeoutExpired, RemoteDockerTimeoutError):
        problem = f"{where} does not answer within {TIMEOUT_SECONDS} s; check the address and the network"
    except RemoteDockerError as error:
        problem = f"{where} cannot be used: {explain(str(error), remote.address, remote.host_key)}"
    except FileNotFoundError:
        problem = f"{where} cannot be reached: there is no ssh on this machine; install an OpenSSH client"
    else:
        return None, api
    return problem, None


def _no_network(where: str, network: str) -> str:
    return (
        f"{where} has no network {network!r}; create it with 'docker network create {network}', and attach the reverse "
        "proxy to it if it is gitlab-deploy:dockerHost.network"
    )


def _api(remote: RemoteDocker) -> tuple[str | None, str]:
    """The version of the Engine API, or None and why it is not known, as ssh or Docker prints it."""
    try:
        # For /version the daemon starts three programs; what is in front of it may allow that alone.
        pinged = remote.request("GET", "/_ping").version
        return pinged or str(remote.request("GET", "/version").json["ApiVersion"]), ""
    except RemoteDockerTimeoutError:
        raise
    except (RemoteDockerError, ValueError, LookupError, TypeError):
        # The docker command says why, or has a version of old.
        version = remote.run(*_VERSION)
    if version.returncode and is_about_jump_host(version.stderr):
        version = replace(remote, shares_connection=False).run(*_VERSION)
    return (None, version.stderr) if version.returncode else (version.stdout.strip(), "")
