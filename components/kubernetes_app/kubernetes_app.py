"""KubernetesApp: one web application in a namespace, from a Deployment to its host name."""

# Kubernetes' types take a third of a second to load: a stack without it does not load them.
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes

from components.kubernetes_app import contents as pod_contents
from components.kubernetes_app.args import KubernetesAppArgs
from components.kubernetes_app.autoscale import autoscaler
from components.kubernetes_app.ingress import ingress
from components.kubernetes_app.network_policy import network_policy
from components.kubernetes_app.pod import pod
from components.progress import shown_at
from components.rollout.rollout import BrokenError, Rollout, RolloutError
from components.rollout.watch import Watch
from components.rollout.workload import Workload
from components.settings.kubernetes import SERVICE_PORT

_SKIP_AWAIT = {"pulumi.com/skipAwait": "true"}


class KubernetesApp(pulumi.ComponentResource):
    """A Deployment, its Service, PodDisruptionBudget and NetworkPolicy, and an Ingress if a host is given.

    Pods keep the `restricted` Pod Security Standard, hold no token of the cluster, and are replaced one by one, none of
    them before its successor is ready, unless the block says otherwise. The NetworkPolicy lets in what comes to the
    port, and out to DNS, `egress` and `reaches`. A worker has no Service.
    """

    service: pulumi.Output[str] | None
    """Name of the Service, which listens on port 80; None for a worker."""
    image: pulumi.Output[str]
    """The image, known once every Pod runs it."""

    def __init__(self, name: str, args: KubernetesAppArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("gitlab-deploy:index:KubernetesApp", name, args.inputs, opts)
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
            f"{name}-network-policy", metadata=metadata, spec=network_policy(selector, args), opts=child
        )
        contents = pod_contents.declare(name, args, metadata, self)
        annotations = {**target.pod_annotations, **contents.annotations}
        deployment = kubernetes.apps.v1.Deployment(
            f"{name}-deployment",
            # The rollout is watched below: the provider tells of a broken one only when its time is over.
            metadata={**metadata, "annotations": _SKIP_AWAIT},
            spec={
                "replicas": args.replicas,
                "selector": {"match_labels": selector},
                "strategy": {"type": "Recreate"}
                if target.has_one_pod
                else {"type": "RollingUpdate", "rolling_update": {"max_surge": 1, "max_unavailable": 0}},
                "template": {
                    "metadata": {
                        "labels": labels,
                        **({"annotations": annotations} if annotations else {}),
                    },
                    "spec": pod(args, contents),
                },
            },
            # Whoever has scaled it owns the number: the provider leaves an ignored field out of what it applies once it
            # has another manager.
            opts=pulumi.ResourceOptions(parent=self, ignore_changes=[] if args.fixed_replicas else ["spec.replicas"]),
        )
        kubernetes.policy.v1.PodDisruptionBudget(
            f"{name}-disruption-budget",
            metadata=metadata,
            # Not minAvailable: with one replica that would stop every drain of a node.
            spec={"max_unavailable": 1, "selector": {"match_labels": selector}},
            opts=child,
        )
        if target.autoscale:
            kubernetes.autoscaling.v2.HorizontalPodAutoscaler(
                f"{name}-autoscaler", metadata=metadata, spec=autoscaler(target.name, target.autoscale), opts=child
            )
        service = None if app.worker else self._service(name, args, metadata, selector)
        self.service = service.metadata.name.apply(str) if service else None

        async def rolled_out(made: list[Any]) -> str:
            if not pulumi.runtime.is_dry_run():
                rollout = Rollout(
                    namespace=made[0],
                    title=f"{made[0]}/{target.name} to {args.image}",
                    workloads=[
                        Workload(
                            name=target.name,
                            images={target.container: str(args.image)},
                            generation=made[1],
                            services=() if app.worker else (target.name,),
                        )
                    ],
                    selector=selector,
                    seconds=target.wait_seconds,
                    grace=target.grace_seconds,
                    watch=Watch,
                )
                try:
                    await rollout.wait(lambda text: pulumi.log.warn(text, self), shown_at(self))
                except RolloutError as error:
                    served = "The Pods that were ready serve on"
                    if target.has_one_pod:
                        served = "The Pod before it had to end first, for its volumes can be mounted by one Pod"
                    if target.on_failure == "rollback" and isinstance(error, BrokenError):
                        served = await rollout.roll_back()
                    raise pulumi.RunError(f"{error}\n  {served}. Fix the cause, and run 'pulumi up' again.") from error
            return str(args.image)

        # Nobody waits in a preview, where the generation may not be known.
        generation = 0 if pulumi.runtime.is_dry_run() else deployment.metadata.generation
        after = [deployment.id, *([service.id] if service else [])]
        self.image = pulumi.Output.all(args.namespace, generation, *after).apply(rolled_out)
        self.register_outputs({"service": self.service})

    def _service(
        self,
        name: str,
        args: KubernetesAppArgs,
        metadata: kubernetes.meta.v1.ObjectMetaArgsDict,
        selector: Mapping[str, str],
    ) -> kubernetes.core.v1.Service:
        """The Service, and the Ingress that leads to it."""
        target = args.target
        service = kubernetes.core.v1.Service(
            f"{name}-service",
            # The provider would let ten seconds pass; the watch of the rollout sees where the Service leads.
            metadata={**metadata, "annotations": _SKIP_AWAIT},
            spec={
                "type": "ClusterIP",
                "selector": selector,
                "ports": [{"name": "http", "port": SERVICE_PORT, "target_port": "http", "protocol": "TCP"}],
            },
            opts=pulumi.ResourceOptions(parent=self),
        )
        if target.host is not None:
            kubernetes.networking.v1.Ingress(
                f"{name}-ingress",
                metadata={
                    **metadata,
                    # Not every controller reports an address, and Pulumi would wait ten minutes for one and fail
                    # (pulumi-kubernetes 1812, 1915); whether the host answers is for the checks after a deploy.
                    "annotations": {**target.ingress_annotations, **_SKIP_AWAIT},
                },
                spec=ingress(target.host, target),
                opts=pulumi.ResourceOptions(parent=self, depends_on=[service]),
            )
        return service
