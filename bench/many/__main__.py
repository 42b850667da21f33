"""Many applications in one program, made of this project's components: each in a namespace of its own, or all in one.

The Deployments have no Pods, and the Services no address: what is measured is the program, the engine and the provider,
not one node's kubelet, nor a range of addresses that holds 254.
"""

from __future__ import annotations

from components import sdk

sdk.load_as_used()

import asyncio  # noqa: E402 - the SDKs load what they are used for
from typing import Any, cast  # noqa: E402

import pulumi  # noqa: E402
import pulumi_kubernetes as kubernetes  # noqa: E402

from components.access.deploy_access import DeployAccess, DeployAccessArgs  # noqa: E402
from components.image.reference import ImageReference  # noqa: E402
from components.kubernetes_app.args import KubernetesAppArgs  # noqa: E402
from components.kubernetes_app.kubernetes_app import KubernetesApp  # noqa: E402
from components.settings.access import Access  # noqa: E402
from components.settings.app import App  # noqa: E402
from components.settings.kubernetes import Kubernetes  # noqa: E402

config = pulumi.Config()
together = config.get_bool("together")


WITHOUT: dict[str, dict[str, Any]] = {
    "kubernetes:apps/v1:Deployment": {"replicas": 0},
    "kubernetes:core/v1:Service": {"cluster_ip": "None"},
}


def small(args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult | None:
    """Takes the Pods out of a Deployment, and the address from a Service."""
    if args.type_ not in WITHOUT:
        return None
    spec = cast("dict[str, Any]", args.props["spec"])
    props = {**args.props, "spec": {**spec, **WITHOUT[args.type_]}}
    return pulumi.ResourceTransformationResult(props=props, opts=args.opts)


cluster = kubernetes.Provider("cluster", kubeconfig="", cluster_identifier="sandbox", enable_secret_mutable=True)
opts = pulumi.ResourceOptions(providers=[cluster], transformations=[small])


def access(namespace: str) -> pulumi.Output[str]:
    """A namespace and its ServiceAccount."""
    block = Access(namespace=namespace, service_account="deploy", server=config.require("server"), environment="*")
    return DeployAccess(namespace, DeployAccessArgs(access=block, cluster="sandbox"), opts).namespace


prefix = config.require("prefix")
shared = access(prefix) if together else None
for number in range(config.require_int("applications")):
    KubernetesApp(
        f"app-{number:03}",
        KubernetesAppArgs(
            app=App(port=8080),
            target=Kubernetes(name=f"web-{number:03}"),
            namespace=access(f"{prefix}-{number:03}") if shared is None else shared,
            image=ImageReference.parse(config.require("image")),
        ),
        opts,
    )


async def begun() -> None:
    """One turn of the event loop, in which the registrations begin.

    The SDK waits for those that have begun one after another. If none has, as at the end of a program that asks the
    engine for nothing, it waits for all outputs at once, anew for each that is there (pulumi: runtime/stack.py,
    wait_for_rpcs): a time that grows with the square of the number of applications.
    """
    await asyncio.sleep(0)


pulumi.run(begun)
