"""What docker.Container is given for a service."""

from collections.abc import Mapping
from typing import Any

import pulumi

from components.compose import probe
from components.compose.interpolation import names
from components.compose.model import Attachment, Healthcheck, Mount, Service, Upload
from components.compose.quick_start import START_INTERVAL
from components.compose.texts import Values, any_resolved, resolved
from components.compose.values import milliseconds

REPLACED = [
    "capabilities",
    "command",
    "devices",
    "dns",
    "entrypoints",
    "envs",
    "healthcheck",
    "hosts",
    "labels",
    "mounts",
    "networksAdvanced",
    "ports",
    "sysctls",
    "tmpfs",
    "ulimits",
    "uploads",
    "volumes",
]
"""What Docker cannot change on a container, and the provider may take for a change all the same."""

_ASKED_INTERVAL = "3s"


def arguments(
    service: Service,
    values: Values,
    *,
    labels: pulumi.Input[Mapping[str, str]],
    networks: Mapping[str, pulumi.Input[str]],
    volumes: Mapping[str, pulumi.Input[str]],
    asked: pulumi.Input[str],
    is_quick: bool,
) -> dict[str, Any]:
    """The arguments that its definition decides.

    `labels` are all of its labels; `networks` and `volumes` the names by the keys of the file; `asked` says how it is
    seen that the service can serve, if its file has no health check (see `probe`); `is_quick` says whether Docker can
    ask more often at the start.
    """
    found: dict[str, Any] = dict(service.options)
    if service.command:
        found["command"] = any_resolved(service.command, values)
    if service.entrypoint is not None:
        found["entrypoints"] = any_resolved(service.entrypoint, values)
    if service.environment:
        envs = any_resolved((f"{name}={value}" for name, value in sorted(service.environment.items())), values)
        found["envs"] = pulumi.Output.secret(envs) if service.has_env_file else envs
    if service.uploads:
        found["uploads"] = _uploads(service, values)
    plain = [mount for mount in service.mounts if not _is_detailed(mount)]
    detailed = [mount for mount in service.mounts if _is_detailed(mount)]
    if plain:
        found["volumes"] = [_volume(mount, volumes) for mount in plain]
    if detailed:
        found["mounts"] = [_mount(mount, volumes) for mount in detailed]
    if service.ports:
        found["ports"] = [
            {
                "internal": port.internal,
                "protocol": port.protocol,
                **({"external": port.external} if port.external else {}),
                **({"ip": port.address} if port.address else {}),
            }
            for port in service.ports
        ]
    if service.network_mode:
        found["network_mode"] = service.network_mode
    else:
        found["networks_advanced"] = [_attachment(service, one, networks) for one in service.networks]
    found["restart"] = service.restart
    if service.max_retries is not None:
        found["max_retry_count"] = service.max_retries
    listed: pulumi.Output[list[dict[str, pulumi.Input[str]]]] = pulumi.Output.from_input(labels).apply(
        lambda given: [{"label": label, "value": resolved(text, values)} for label, text in sorted(given.items())]
    )
    # As a whole: what is secret inside of an output's own value would be found late.
    found["labels"] = pulumi.Output.secret(listed) if any(map(names, service.labels.values())) else listed
    if service.healthcheck:
        found["healthcheck"] = _healthcheck(service.healthcheck, values)
    elif service.is_routed:
        found["healthcheck"] = pulumi.Output.from_input(asked).apply(lambda how: _asked(how, is_quick=is_quick))
    return found


def _uploads(service: Service, values: Values) -> pulumi.Input[list[Any]]:
    found = [_upload(one, values) for one in service.uploads]
    is_secret = any(one.is_secret or names(one.content or "") for one in service.uploads)
    return pulumi.Output.secret(found) if is_secret else found


def _upload(one: Upload, values: Values) -> dict[str, Any]:
    given: dict[str, Any] = {"file": one.target, "permissions": one.mode, "owner": one.owner, "group": one.group}
    if one.base64 is not None:
        given["content_base64"] = one.base64
    else:
        given["content"] = resolved(one.content or "", values)
    return {key: value for key, value in given.items() if value is not None}


def _is_detailed(mount: Mount) -> bool:
    """Whether it says more than a volume of docker.Container can."""
    return bool(mount.propagation or mount.no_copy or mount.subpath)


def _volume(mount: Mount, volumes: Mapping[str, pulumi.Input[str]]) -> dict[str, Any]:
    given: dict[str, Any] = {"container_path": mount.target}
    if mount.volume:
        given["volume_name"] = volumes[mount.volume]
    if mount.host_path:
        given["host_path"] = mount.host_path
    if mount.read_only:
        given["read_only"] = True
    if mount.selinux:
        given["selinux_relabel"] = mount.selinux
    return given


def _mount(mount: Mount, volumes: Mapping[str, pulumi.Input[str]]) -> dict[str, Any]:
    given: dict[str, Any] = {"target": mount.target, "read_only": mount.read_only}
    if mount.volume:
        options: dict[str, Any] = {"no_copy": mount.no_copy, **({"subpath": mount.subpath} if mount.subpath else {})}
        return {**given, "type": "volume", "source": volumes[mount.volume], "volume_options": options}
    return {**given, "type": "bind", "source": mount.host_path, "bind_options": {"propagation": mount.propagation}}


def _attachment(service: Service, one: Attachment, networks: Mapping[str, pulumi.Input[str]]) -> dict[str, Any]:
    by_name = [service.container_name] if service.container_name else []
    return {
        "name": networks[one.network],
        "aliases": sorted({service.name, *by_name, *one.aliases}),
        **one.options,
    }


def _healthcheck(given: Healthcheck, values: Values) -> pulumi.Input[dict[str, Any]]:
    if given.is_off:
        return {"tests": ["NONE"]}
    times = {"interval": given.interval, "timeout": given.timeout, "retries": given.retries}
    times |= {"start_period": given.start_period, "start_interval": given.start_interval}
    test = given.test or ()
    return {
        "tests": any_resolved(test, values),
        **{key: value for key, value in times.items() if value is not None},
    }


def _asked(how: str, *, is_quick: bool) -> dict[str, Any] | None:
    command = probe.command(how)
    if command is None:
        return None
    start = {"start_period": _ASKED_INTERVAL, "start_interval": START_INTERVAL} if is_quick else {}
    return {"tests": list(command), "interval": _ASKED_INTERVAL, "timeout": "5s", "retries": 3, **start}


def patience(service: Service, seconds: int) -> int:
    """How long its container may take to be healthy, if an ordinary one may take so many seconds."""
    check = service.healthcheck
    if check is None or check.is_off:
        return seconds
    slow = milliseconds(check.start_period or "0s") + milliseconds(check.interval or "30s")
    return seconds + slow // 1000
