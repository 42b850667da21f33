"""WebApp: one web application in a namespace, from a Deployment to its host name."""

# Kubernetes' types take a third of a second to load: a stack without it does not load them.
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import pulumi
import pulumi_kubernetes as kubernetes

from components.image.reference import ImageReference
from components.kubernetes_app.rollout import BrokenError, Rollout, RolloutError
from components.settings import rules

SERVICE_PORT = 80
_PRE_STOP_SECONDS = 5
_SKIP_AWAIT = {"pulumi.com/skipAwait": "true"}


@dataclass(frozen=True, kw_only=True)
class WebAppArgs:
    """What runs, and how it is reached. Raises ValueError on a value Kubernetes would refuse."""

    namespace: pulumi.Input[str]
    """Namespace of every object."""
    image: ImageReference
    """Image of the one container; it has to run as a user other than root, given by number."""
    port: int
    """Port the container listens on, 1 to 65535."""
    name: str = "web"
    """Name of the Deployment, the Service and the other objects."""
    replicas: int = 2
    """Number of Pods, 1 or more."""
    wait_seconds: int = 300
    """How long a rollout may take until every Pod is the new one and ready."""
    on_failure: Literal["keep", "rollback"] = "keep"
    """What becomes of a rollout that is broken: it is left for the next run to go on with, the old Pods serving, or the
    version before is put back in the cluster. The run fails in both cases."""
    health_path: str = "/"
    """Path that answers with a status of 200 to 399 when, and only when, a Pod can serve."""
    cpu: str = "50m"
    """Requested CPU of a Pod. There is no limit: throttling a server that has room helps nobody."""
    memory: str = "128Mi"
    """Requested memory of a Pod, and its limit."""
    host: str | None = None
    """Host name of the Ingress; with None there is no Ingress."""
    ingress_class: str | None = None
    """Class of the Ingress; with None the cluster's default one."""
    tls_secret: str | None = None
    """Secret of type kubernetes.io/tls with the certificate for the host; with None the Ingress serves http."""
    pull_secret: pulumi.Input[str] | None = None
    """Secret of type kubernetes.io/dockerconfigjson the image is pulled with; with None it is pulled with no login."""
    env: Mapping[str, str] = field(default_factory=dict)
    """Environment of the container. Not for secrets, which would hide the whole container from every diff."""
    writable: tuple[str, ...] = ("/tmp",)  # noqa: S108 - a folder of the container
    """Folders that can be written to, empty at the start; all others are read-only."""
    egress: tuple[str, ...] = ()
    """Blocks of addresses (CIDR) the Pods may open connections to, besides DNS."""

    def __post_init__(self) -> None:
        if isinstance(self.namespace, str):
            rules.require("namespace", self.namespace, rules.namespace)
        rules.require("name", self.name, rules.service_name)
        self.image.require_immutable()
        rules.require("health_path", self.health_path, rules.http_path)
        rules.require("cpu", self.cpu, rules.quantity)
        rules.require("memory", self.memory, rules.quantity)
        for name, value in (
            ("host", self.host),
            ("ingress_class", self.ingress_class),
            ("tls_secret", self.tls_secret),
        ):
            if value is not None:
                rules.require(name, value, rules.dns_subdomain)
        for folder in self.writable:
            rules.require("writable", folder, rules.mount_path)
        for block in self.egress:
            rules.require("egress", block, rules.cidr)
        if not 1 <= self.port <= 65535:
            raise ValueError(f"port: {self.port} is out of range; use a whole number from 1 to 65535")
        if self.replicas < 1:
            raise ValueError(f"replicas: {self.replicas} is out of range; use 1 or more")


class WebApp(pulumi.ComponentResource):
    """A Deployment, its Service, PodDisruptionBudget and NetworkPolicy, and an Ingress where a host is given.

    Pods keep the `restricted` Pod Security Standard, hold no token of the cluster, and are replaced one by one, none of
    them before its successor is ready. The NetworkPolicy lets in what comes to the port, and out to DNS and `egress`.
    """

    service: pulumi.Output[str]
    """Name of the Service, which listens on port 80."""
    image: pulumi.Output[str]
    """The image, known once every Pod runs it."""

    def __init__(self, name: str, args: WebAppArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("gitlab-deploy:index:WebApp", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        labels = {"app.kubernetes.io/name": args.name}
        metadata: kubernetes.meta.v1.ObjectMetaArgsDict = {
            "name": args.name,
            "namespace": args.namespace,
            "labels": labels,
        }

        kubernetes.networking.v1.NetworkPolicy(
            f"{name}-network-policy", metadata=metadata, spec=_network_policy(labels, args), opts=child
        )
        deployment = kubernetes.apps.v1.Deployment(
            f"{name}-deployment",
            # The rollout is watched below: the provider tells of a broken one only when its time is over.
            metadata={**metadata, "annotations": _SKIP_AWAIT},
            spec={
                "replicas": args.replicas,
                "selector": {"match_labels": labels},
                "strategy": {"type": "RollingUpdate", "rolling_update": {"max_surge": 1, "max_unavailable": 0}},
                "template": {"metadata": {"labels": labels}, "spec": _pod(args)},
            },
            opts=child,
        )
        kubernetes.policy.v1.PodDisruptionBudget(
            f"{name}-disruption-budget",
            metadata=metadata,
            # Not minAvailable: with one replica that would stop every drain of a node.
            spec={"max_unavailable": 1, "selector": {"match_labels": labels}},
            opts=child,
        )
        service = kubernetes.core.v1.Service(
            f"{name}-service",
            # The provider would let ten seconds pass; the watch below sees where the Service leads.
            metadata={**metadata, "annotations": _SKIP_AWAIT},
            spec={
                "type": "ClusterIP",
                "selector": labels,
                "ports": [{"name": "http", "port": SERVICE_PORT, "target_port": "http", "protocol": "TCP"}],
            },
            opts=child,
        )
        self.service = service.metadata.name.apply(str)
        if args.host is not None:
            kubernetes.networking.v1.Ingress(
                f"{name}-ingress",
                metadata={
                    **metadata,
                    # Not every controller reports an address, and Pulumi would wait ten minutes for one and fail
                    # (pulumi-kubernetes 1812, 1915); whether the host answers is for the checks after a deploy.
                    "annotations": _SKIP_AWAIT,
                },
                spec=_ingress(args.host, args),
                opts=pulumi.ResourceOptions(parent=self, depends_on=[service]),
            )

        async def rolled_out(made: list[str]) -> str:
            if not pulumi.runtime.is_dry_run():
                rollout = Rollout(namespace=made[0], name=args.name, image=str(args.image), seconds=args.wait_seconds)
                try:
                    await rollout.wait(lambda text: pulumi.log.warn(text, self))
                except RolloutError as error:
                    served = "The Pods that were ready serve on"
                    if args.on_failure == "rollback" and isinstance(error, BrokenError):
                        served = await rollout.roll_back()
                    raise pulumi.RunError(f"{error}\n  {served}. Fix the cause, and run 'pulumi up' again.") from error
            return str(args.image)

        self.image = pulumi.Output.all(args.namespace, deployment.id, service.id).apply(rolled_out)
        self.register_outputs({"service": self.service})


def _pod(args: WebAppArgs) -> kubernetes.core.v1.PodSpecArgsDict:
    probe: kubernetes.core.v1.ProbeArgsDict = {
        "http_get": {"path": args.health_path, "port": "http"},
        "period_seconds": 2,
        "timeout_seconds": 2,
        "failure_threshold": 3,
    }
    return {
        "automount_service_account_token": False,
        "enable_service_links": False,
        "image_pull_secrets": [{"name": args.pull_secret}] if args.pull_secret else [],
        "security_context": {"run_as_non_root": True, "seccomp_profile": {"type": "RuntimeDefault"}},
        "containers": [
            {
                "name": "app",
                "image": str(args.image),
                "ports": [{"name": "http", "container_port": args.port, "protocol": "TCP"}],
                "env": [{"name": name, "value": value} for name, value in sorted(args.env.items())],
                "readiness_probe": probe,
                "resources": {
                    "requests": {"cpu": args.cpu, "memory": args.memory},
                    "limits": {"memory": args.memory},
                },
                "security_context": {
                    "allow_privilege_escalation": False,
                    "read_only_root_filesystem": True,
                    "capabilities": {"drop": ["ALL"]},
                },
                # A Pod leaves its Service and is told to stop at the same moment: it serves on until all have noticed.
                "lifecycle": {"pre_stop": {"sleep": {"seconds": _PRE_STOP_SECONDS}}},
                "volume_mounts": [
                    {"name": f"writable-{number}", "mount_path": folder} for number, folder in enumerate(args.writable)
                ],
            }
        ],
        "volumes": [{"name": f"writable-{number}", "empty_dir": {}} for number, _ in enumerate(args.writable)],
    }


def _network_policy(labels: Mapping[str, str], args: WebAppArgs) -> kubernetes.networking.v1.NetworkPolicySpecArgsDict:
    dns: kubernetes.networking.v1.NetworkPolicyEgressRuleArgsDict = {
        "ports": [{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}]
    }
    return {
        "pod_selector": {"match_labels": labels},
        "policy_types": ["Ingress", "Egress"],
        "ingress": [{"ports": [{"protocol": "TCP", "port": args.port}]}],
        "egress": [dns, *({"to": [{"ip_block": {"cidr": block}}]} for block in args.egress)],
    }


def _ingress(host: str, args: WebAppArgs) -> kubernetes.networking.v1.IngressSpecArgsDict:
    return {
        "rules": [
            {
                "host": host,
                "http": {
                    "paths": [
                        {
                            "path": "/",
                            "path_type": "Prefix",
                            "backend": {"service": {"name": args.name, "port": {"name": "http"}}},
                        }
                    ]
                },
            }
        ],
        **({"ingress_class_name": args.ingress_class} if args.ingress_class else {}),
        **({"tls": [{"hosts": [host], "secret_name": args.tls_secret}]} if args.tls_secret else {}),
    }
