"""The Pods of an application: their one container, what it may do, and how the kubelet sees that it is well."""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.settings.kubernetes_names import file_key, sealed_files

if TYPE_CHECKING:
    import pulumi_kubernetes as kubernetes

    from components.kubernetes_app.args import KubernetesAppArgs
    from components.kubernetes_app.contents import Contents
    from components.settings.app import App
    from components.settings.kubernetes import Kubernetes
    from components.settings.probe import Probe

_PRE_STOP_SECONDS = 5
_UNPRIVILEGED_FROM = 1024
"""The first port that every user may listen on."""


def pod(args: KubernetesAppArgs, contents: Contents) -> kubernetes.core.v1.PodSpecArgsDict:
    """The Pods, which hold no token of the cluster and are not root's unless the block says so."""
    app, target = args.app, args.target
    pull_secret = target.pull_secret if args.pull_secret is None else args.pull_secret
    pull_secrets = [*([] if pull_secret is None else [pull_secret]), *target.pull_secrets]
    volumes, mounts = _volumes(args, contents)
    return {
        **({"service_account_name": target.service_account} if target.service_account else {}),
        "automount_service_account_token": target.service_account_token,
        "enable_service_links": False,
        "image_pull_secrets": [{"name": name} for name in pull_secrets],
        "security_context": _pod_security(app, target),
        "containers": [
            {
                "name": target.container,
                "image": str(args.image),
                **({"command": list(app.command)} if app.command else {}),
                **({"args": list(app.args)} if app.args else {}),
                **(
                    {} if app.worker else {"ports": [{"name": "http", "container_port": app.serves, "protocol": "TCP"}]}
                ),
                "env": [
                    *({"name": name, "value": value} for name, value in sorted(app.env.items())),
                    *(_from_key(name, place) for name, place in sorted(target.secret_keys.items())),
                ],
                **_env_from(target, contents),
                **_probes(app, target),
                "resources": {
                    "requests": {"cpu": target.cpu, "memory": app.memory},
                    "limits": {"memory": app.memory, **({"cpu": target.cpu_limit} if target.cpu_limit else {})},
                },
                "security_context": {
                    "allow_privilege_escalation": False,
                    "read_only_root_filesystem": target.read_only_root_filesystem,
                    # An image that changes its user by itself does so with those that a container has by default.
                    **({} if target.run_as_root else {"capabilities": {"drop": ["ALL"]}}),
                },
                # A Pod leaves its Service and gets SIGTERM at the same moment: it serves on until all proxies know.
                **({} if app.worker else {"lifecycle": {"pre_stop": {"sleep": {"seconds": _PRE_STOP_SECONDS}}}}),
                "volume_mounts": mounts,
            }
        ],
        "volumes": volumes,
    }


def _pod_security(app: App, target: Kubernetes) -> kubernetes.core.v1.PodSecurityContextArgsDict:
    is_low = app.port is not None and app.port < _UNPRIVILEGED_FROM and not target.run_as_root
    return {
        **({} if target.run_as_root else {"run_as_non_root": True}),
        **({"run_as_user": target.run_as_user} if target.run_as_user else {}),
        **({"fs_group": target.fs_group} if target.fs_group else {}),
        "seccomp_profile": {"type": "RuntimeDefault"},
        # Of the Pod's own network alone, and allowed by the standard `restricted`.
        **({"sysctls": [{"name": "net.ipv4.ip_unprivileged_port_start", "value": "0"}]} if is_low else {}),
    }


def _from_key(name: str, place: str) -> kubernetes.core.v1.EnvVarArgsDict:
    secret, _, key = place.partition("/")
    return {"name": name, "value_from": {"secret_key_ref": {"name": secret, "key": key}}}


def _env_from(target: Kubernetes, contents: Contents) -> kubernetes.core.v1.ContainerArgsDict:
    """A later source wins over an earlier one, and `env` over all."""
    sources: list[kubernetes.core.v1.EnvFromSourceArgsDict] = [
        *({"config_map_ref": {"name": name}} for name in target.config_from),
        *({"secret_ref": {"name": name}} for name in target.secrets_from),
        *([{"secret_ref": {"name": contents.secret}}] if contents.secret is not None else []),
    ]
    return {"env_from": sources} if sources else {}


def _probes(app: App, target: Kubernetes) -> kubernetes.core.v1.ContainerArgsDict:
    readiness: kubernetes.core.v1.ProbeArgsDict = {
        **_asked(app.health.command, app.health_path),
        "period_seconds": 2,
        "timeout_seconds": 2,
        "failure_threshold": 3,
    }
    return {
        **({"readiness_probe": readiness} if app.health.command or app.health_path else {}),
        **({"startup_probe": _probe(app, target.startup)} if target.startup else {}),
        **({"liveness_probe": _probe(app, target.liveness)} if target.liveness else {}),
    }


def _probe(app: App, probe: Probe) -> kubernetes.core.v1.ProbeArgsDict:
    own = bool(probe.command or probe.path)
    asked = _asked(probe.command, probe.path) if own else _asked(app.health.command, app.health_path)
    return {
        **asked,
        **({"initial_delay_seconds": probe.delay_seconds} if probe.delay_seconds else {}),
        "period_seconds": probe.period_seconds,
        "timeout_seconds": probe.timeout_seconds,
        "failure_threshold": probe.failures,
    }


def _asked(command: tuple[str, ...] | None, path: str | None) -> kubernetes.core.v1.ProbeArgsDict:
    return {"exec_": {"command": list(command)}} if command else {"http_get": {"path": path, "port": "http"}}


def _volumes(
    args: KubernetesAppArgs, contents: Contents
) -> tuple[list[kubernetes.core.v1.VolumeArgsDict], list[kubernetes.core.v1.VolumeMountArgsDict]]:
    volumes: list[kubernetes.core.v1.VolumeArgsDict] = []
    mounts: list[kubernetes.core.v1.VolumeMountArgsDict] = []
    for number, folder in enumerate(args.app.writable):
        volumes.append({"name": f"writable-{number}", "empty_dir": {}})
        mounts.append({"name": f"writable-{number}", "mount_path": folder})
    for number, (path, claim) in enumerate(contents.claims.items()):
        volumes.append({"name": f"volume-{number}", "persistent_volume_claim": {"claim_name": claim}})
        mounts.append({"name": f"volume-{number}", "mount_path": path})
    if contents.files is not None:
        volumes.append({"name": "files", "config_map": {"name": contents.files}})
    if contents.secret_files is not None:
        volumes.append({"name": "secret-files", "secret": {"secret_name": contents.secret_files}})
    sealed = sealed_files(args.target.files)
    # One by one: a folder of the image keeps what else is in it.
    mounts.extend(
        {
            "name": "secret-files" if path in sealed else "files",
            "mount_path": path,
            "sub_path": file_key(path),
            "read_only": True,
        }
        for path in sorted(args.target.files)
    )
    return volumes, mounts
