"""A new image of a service is tried out beside the container that serves, if that has to stop first. No Pulumi here."""

import asyncio
import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from components.compose.interpolation import filled
from components.compose.model import Healthcheck, Mount, Project, Service
from components.compose.values import MEBIBYTE, milliseconds
from components.compose.waiting import Waiting
from components.docker_app.labels import ID_LABEL, NOT_ROUTED, TRIAL_LABEL
from components.docker_app.remote_docker import RemoteDocker
from components.docker_app.trial import Trial, packed

_OF_HOST = {
    "dns": "Dns",
    "dns_opts": "DnsOptions",
    "dns_searches": "DnsSearch",
    "init": "Init",
    "privileged": "Privileged",
    "read_only": "ReadonlyRootfs",
    "security_opts": "SecurityOpt",
    "sysctls": "Sysctls",
    "tmpfs": "Tmpfs",
}
"""Arguments of docker.Container, and where the Engine API takes them in HostConfig as they are."""
_OTHERS = {"capabilities", "hosts", "memory", "shm_size", "ulimits", "user", "working_dir"}
_NO_PART = {"cgroup_parent", "cgroupns_mode", "cpu_period", "cpu_quota", "cpu_set", "cpu_shares", "cpus", "domainname"}
_NO_PART |= {"hostname", "log_driver", "log_opts", "memory_reservation", "memory_swap", "platform", "stdin_open"}
_NO_PART |= {"stop_signal", "stop_timeout", "storage_opts", "tty"}
"""What decides nothing about whether it serves."""


def is_tried(service: Service) -> bool:
    """Whether a new container of the service can be tried out beside the old one, but for the ports of the host."""
    return (
        service.is_stacks_own
        and any(port.external for port in service.ports)
        and not service.is_swapped
        and not any(mount.is_exclusive for mount in service.mounts)
        and service.has_no_address_of_its_own
        and service.options.keys() <= {*_OF_HOST, *_OTHERS, *_NO_PART}
    )


@dataclass(frozen=True, kw_only=True)
class ServiceTrial(Trial):
    """A container like the one to come, but for its name, its labels, its names on networks and its ports."""

    service: Service
    project: Project
    values: Mapping[str, str]
    """The encrypted values that the files use, by their names."""
    health_check: tuple[str, ...] = ()
    memory: int = 0

    @property
    def _definition(self) -> dict[str, object]:
        service, options = self.service, self.service.options
        capabilities = options.get("capabilities") or {}
        host: dict[str, Any] = {api: options[key] for key, api in _OF_HOST.items() if key in options}
        host |= {
            "NetworkMode": self.networks[0] if self.networks else service.network_mode,
            "Binds": [f"{self._source(mount)}:{mount.target}:ro" for mount in service.mounts if self._source(mount)],
            "CapAdd": capabilities.get("adds", []),
            "CapDrop": capabilities.get("drops", []),
            "ExtraHosts": [f"{one['host']}:{one['ip']}" for one in options.get("hosts", [])],
            "Memory": options.get("memory", 0) * MEBIBYTE,
            "ShmSize": options.get("shm_size", 0) * MEBIBYTE,
            "Ulimits": [
                {"Name": one["name"], "Soft": one["soft"], "Hard": one["hard"]} for one in options.get("ulimits", [])
            ],
        }
        texts = {"Cmd": service.command, "Entrypoint": service.entrypoint}
        return {
            "Image": self.image,
            "Env": [f"{name}={self._resolved(value)}" for name, value in service.environment.items()],
            "User": options.get("user", ""),
            "WorkingDir": options.get("working_dir", ""),
            "Labels": {TRIAL_LABEL: self.owner, ID_LABEL: self.identity, **NOT_ROUTED},
            "Volumes": {mount.target: {} for mount in service.mounts if not self._source(mount)},
            **{key: [self._resolved(text) for text in found] for key, found in texts.items() if found},
            **({"Healthcheck": self._check(service.healthcheck)} if service.healthcheck else {}),
            "HostConfig": {key: value for key, value in host.items() if value not in (None, 0, [])},
        }

    def _archive(self) -> bytes | None:
        if not self.service.uploads:
            return None
        return packed(
            (
                one.target,
                base64.b64decode(one.base64) if one.base64 else self._resolved(one.content or "").encode(),
                int(one.mode, 8),
            )
            for one in self.service.uploads
        )

    def _wait(self, remote: RemoteDocker, container_id: str) -> str | None:
        waiting = Waiting(
            remote=remote, container=container_id, seconds=self.seconds, completes=False, secrets=self.secrets
        )
        return "\n".join(asyncio.run(waiting.problem())).replace(container_id, self.name) or None

    def _source(self, mount: Mount) -> str | None:
        return self.project.volumes[mount.volume].name if mount.volume else mount.host_path

    def _resolved(self, text: str) -> str:
        return filled(text, self.values)

    def _check(self, given: Healthcheck) -> dict[str, object]:
        times = {"Interval": given.interval, "Timeout": given.timeout, "StartPeriod": given.start_period}
        return {
            **({"Test": [self._resolved(text) for text in given.test]} if given.test else {}),
            **{key: milliseconds(value) * 10**6 for key, value in times.items() if value},
            **({"Retries": given.retries} if given.retries else {}),
        }
