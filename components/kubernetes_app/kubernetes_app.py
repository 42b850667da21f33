"""KubernetesApp: one web application in a namespace, from a Deployment to its host name."""

# Kubernetes' types take a third of a second to load: a stack without it does not load them.
from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import pulumi
import pulumi_kubernetes as kubernetes

from components.image.reference import ImageReference
from components.kubernetes_app.rollout import BrokenError, Rollout, RolloutError
from components.settings import rules
from components.settings.app import App
from components.settings.kubernetes import Kubernetes
from components.settings.rule import require

SERVICE_PORT = 80
_PRE_STOP_SECONDS = 5
_DIGEST = "gitlab-deploy/secrets"
# What no address of the internet is in: private networks, those of providers, and the metadata of cloud machines.
_NOT_PUBLIC = {
    "0.0.0.0/0": ["10.0.0.0/8", "100.64.0.0/10", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16"],
    "::/0": ["fc00::/7", "fe80::/10"],
}
_SKIP_AWAIT = {"pulumi.com/skipAwait": "true"}


@dataclass(frozen=True, kw_only=True)
class KubernetesAppArgs:
    """What runs and where, as the stack file says it, and its image. Raises ValueError on a mutable image."""

    app: App
    target: Kubernetes
    namespace: pulumi.Input[str]
    """Namespace of every object."""
    image: ImageReference
    """Image of the one container; it has to run as a user other than root, given by number."""
    pull_secret: pulumi.Input[str] | None = None
    """Secret of type kubernetes.io/dockerconfigjson the image is pulled with; with None, that of `target`, if any."""
    first_replicas: int = 2
    """Number of Pods of a Deployment that the stack file gives none, and that nobody has scaled yet."""

    def __post_init__(self) -> None:
        require("image", str(self.image), rules.IMMUTABLE)


class KubernetesApp(pulumi.ComponentResource):
    """A Deployment, its Service, PodDisruptionBudget and NetworkPolicy, and an Ingress if a host is given.

    Pods keep the `restricted` Pod Security Standard, hold no token of the cluster, and are replaced one by one, none of
    them before its successor is ready. The NetworkPolicy lets in what comes to the port, and out to DNS and `egress`.
    """

    service: pulumi.Output[str]
    """Name of the Service, which listens on port 80."""
    image: pulumi.Output[str]
    """The image, known once every Pod runs it."""

    def __init__(self, name: str, args: KubernetesAppArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("gitlab-deploy:index:KubernetesApp", name, _inputs(args), opts)
        child = pulumi.ResourceOptions(parent=self)
        app, target = args.app, args.target
        selector = dict(target.pod_labels)
        labels = {"app.kubernetes.io/name": target.name, **selector}
        metadata: kubernetes.meta.v1.ObjectMetaArgsDict = {
            "name": target.name,
            "namespace": args.namespace,
            "labels": labels,
        }

        kubernetes.networking.v1.NetworkPolicy(
            f"{name}-network-policy", metadata=metadata, spec=_network_policy(selector, args), opts=child
        )
        secret = None
        if app.secrets:
            # One name for good, changed in place: `kubectl rollout undo` and onFailure go back to Pods that find it.
            # What is named after its content would be gone by then, or never. The Pods that are there keep what they
            # have read; one of an older release that starts anew gets the newest values.
            secret = kubernetes.core.v1.Secret(
                f"{name}-secrets",
                metadata={**metadata, "name": f"{target.name}-secrets"},
                # Not stringData, whose keys stay in the cluster when they are taken out of it.
                data=_revealed(app.secrets).apply(_encoded),
                opts=child,
            )
        deployment = kubernetes.apps.v1.Deployment(
            f"{name}-deployment",
            # The rollout is watched below: the provider tells of a broken one only when its time is over.
            metadata={**metadata, "annotations": _SKIP_AWAIT},
            spec={
                "replicas": target.replicas or args.first_replicas,
                "selector": {"match_labels": selector},
                "strategy": {"type": "RollingUpdate", "rolling_update": {"max_surge": 1, "max_unavailable": 0}},
                "template": {
                    "metadata": {
                        "labels": labels,
                        **({"annotations": {_DIGEST: _digest(secret, app)}} if secret else {}),
                    },
                    "spec": _pod(args, secret.metadata.name if secret else None),
                },
            },
            # Whoever has scaled it owns the number: the provider leaves an ignored field out of what it applies once it
            # has another manager.
            opts=pulumi.ResourceOptions(parent=self, ignore_changes=[] if target.replicas else ["spec.replicas"]),
        )
        kubernetes.policy.v1.PodDisruptionBudget(
            f"{name}-disruption-budget",
            metadata=metadata,
            # Not minAvailable: with one replica that would stop every drain of a node.
            spec={"max_unavailable": 1, "selector": {"match_labels": selector}},
            opts=child,
        )
        service = kubernetes.core.v1.Service(
            f"{name}-service",
            # The provider would let ten seconds pass; the watch below sees where the Service leads.
            metadata={**metadata, "annotations": _SKIP_AWAIT},
            spec={
                "type": "ClusterIP",
                "selector": selector,
                "ports": [{"name": "http", "port": SERVICE_PORT, "target_port": "http", "protocol": "TCP"}],
            },
            opts=child,
        )
        self.service = service.metadata.name.apply(str)
        if target.host is not None:
            kubernetes.networking.v1.Ingress(
                f"{name}-ingress",
                metadata={
                    **metadata,
                    # Not every controller reports an address, and Pulumi would wait ten minutes for one and fail
                    # (pulumi-kubernetes 1812, 1915); whether the host answers is for the checks after a deploy.
                    "annotations": _SKIP_AWAIT,
                },
                spec=_ingress(target.host, target),
                opts=pulumi.ResourceOptions(parent=self, depends_on=[service]),
            )

        async def rolled_out(made: list[Any]) -> str:
            if not pulumi.runtime.is_dry_run():
                rollout = Rollout(
                    namespace=made[0],
                    name=target.name,
                    selector=selector,
                    image=str(args.image),
                    generation=made[1],
                    seconds=target.wait_seconds,
                    grace=target.grace_seconds,
                )
                try:
                    await rollout.wait(lambda text: pulumi.log.warn(text, self))
                except RolloutError as error:
                    served = "The Pods that were ready serve on"
                    if target.on_failure == "rollback" and isinstance(error, BrokenError):
                        served = await rollout.roll_back()
                    raise pulumi.RunError(f"{error}\n  {served}. Fix the cause, and run 'pulumi up' again.") from error
            return str(args.image)

        # Nobody waits in a preview, where the generation may not be known.
        generation = 0 if pulumi.runtime.is_dry_run() else deployment.metadata.generation
        self.image = pulumi.Output.all(args.namespace, generation, deployment.id, service.id).apply(rolled_out)
        self.register_outputs({"service": self.service})


def _revealed(secrets: Mapping[str, pulumi.Input[str]]) -> pulumi.Output[Mapping[str, str]]:
    """The values, in an Output that is marked as secret."""
    return pulumi.Output.secret(cast("Any", secrets))


def _encoded(secrets: Mapping[str, str]) -> dict[str, str]:
    return {name: base64.b64encode(value.encode()).decode() for name, value in sorted(secrets.items())}


def _digest(secret: kubernetes.core.v1.Secret, app: App) -> pulumi.Output[str]:
    """What changes with the secrets, so that the Pods are replaced.

    It can be read by whoever sees Pods, so it is keyed with the Secret's uid: 122 random bits, which only those see who
    may read the Secret. It is known in a preview, so that a diff shows the rollout.
    """

    def digest(known: list[Any]) -> str:
        uid, secrets = known
        return hmac.digest(str(uid).encode(), json.dumps(secrets, sort_keys=True).encode(), "sha256").hex()[:32]

    return pulumi.Output.all(secret.metadata.uid, _revealed(app.secrets)).apply(digest)


def _pod(args: KubernetesAppArgs, secret: pulumi.Input[str] | None) -> kubernetes.core.v1.PodSpecArgsDict:
    app = args.app
    pull_secret = args.target.pull_secret if args.pull_secret is None else args.pull_secret
    probe: kubernetes.core.v1.ProbeArgsDict = {
        **(
            {"exec_": {"command": list(app.health.command)}}
            if app.health.command
            else {"http_get": {"path": app.health.path, "port": "http"}}
        ),
        "period_seconds": 2,
        "timeout_seconds": 2,
        "failure_threshold": 3,
    }
    return {
        "automount_service_account_token": False,
        "enable_service_links": False,
        "image_pull_secrets": [{"name": pull_secret}] if pull_secret is not None else [],
        "security_context": {"run_as_non_root": True, "seccomp_profile": {"type": "RuntimeDefault"}},
        "containers": [
            {
                "name": args.target.container,
                "image": str(args.image),
                "ports": [{"name": "http", "container_port": app.port, "protocol": "TCP"}],
                "env": [{"name": name, "value": value} for name, value in sorted(app.env.items())],
                **({"env_from": [{"secret_ref": {"name": secret}}]} if secret is not None else {}),
                "readiness_probe": probe,
                "resources": {
                    "requests": {"cpu": args.target.cpu, "memory": app.memory},
                    "limits": {"memory": app.memory},
                },
                "security_context": {
                    "allow_privilege_escalation": False,
                    "read_only_root_filesystem": True,
                    "capabilities": {"drop": ["ALL"]},
                },
                # A Pod leaves its Service and gets SIGTERM at the same moment: it serves on until all proxies know.
                "lifecycle": {"pre_stop": {"sleep": {"seconds": _PRE_STOP_SECONDS}}},
                "volume_mounts": [
                    {"name": f"writable-{number}", "mount_path": folder} for number, folder in enumerate(app.writable)
                ],
            }
        ],
        "volumes": [{"name": f"writable-{number}", "empty_dir": {}} for number, _ in enumerate(app.writable)],
    }


def _network_policy(
    selector: Mapping[str, str], args: KubernetesAppArgs
) -> kubernetes.networking.v1.NetworkPolicySpecArgsDict:
    dns: kubernetes.networking.v1.NetworkPolicyEgressRuleArgsDict = {
        "ports": [{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}]
    }
    return {
        "pod_selector": {"match_labels": selector},
        "policy_types": ["Ingress", "Egress"],
        "ingress": [{"ports": [{"protocol": "TCP", "port": args.app.port}]}],
        "egress": [dns, *({"to": _blocks(place)} for place in args.target.egress)],
    }


def _blocks(place: str) -> list[kubernetes.networking.v1.NetworkPolicyPeerArgsDict]:
    if place == rules.INTERNET:
        return [{"ip_block": {"cidr": everywhere, "except_": inside}} for everywhere, inside in _NOT_PUBLIC.items()]
    return [{"ip_block": {"cidr": place}}]


def _ingress(host: str, target: Kubernetes) -> kubernetes.networking.v1.IngressSpecArgsDict:
    return {
        "rules": [
            {
                "host": host,
                "http": {
                    "paths": [
                        {
                            "path": "/",
                            "path_type": "Prefix",
                            "backend": {"service": {"name": target.name, "port": {"name": "http"}}},
                        }
                    ]
                },
            }
        ],
        **({"ingress_class_name": target.ingress_class} if target.ingress_class else {}),
        **({"tls": [{"hosts": [host], "secret_name": target.tls_secret}]} if target.tls_secret else {}),
    }


def _inputs(args: KubernetesAppArgs) -> pulumi.Inputs:
    """What a policy pack can check; of the environment the names alone."""
    app, target = args.app, args.target
    return {
        "namespace": args.namespace,
        "name": target.name,
        "image": str(args.image),
        "port": app.port,
        "replicas": target.replicas,
        "host": target.host,
        "tlsSecret": target.tls_secret,
        "cpu": target.cpu,
        "memory": app.memory,
        "env": sorted(app.env),
        "secrets": sorted(app.secrets),
        "writable": list(app.writable),
        "egress": list(target.egress),
    }
