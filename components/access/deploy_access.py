"""DeployAccess: a namespace, and ServiceAccounts that may act in it and nowhere else."""

from dataclasses import dataclass
from functools import partial

import pulumi
import pulumi_kubernetes as kubernetes

from components.access.service_account import Ask, Cluster, Credential, service_account
from components.settings import rules
from components.settings.access import Access
from components.settings.rule import require

POD_SECURITY_VERSION = "v1.32"
"""The enforced version of the Pod Security Standard: pinned, so that no cluster upgrade refuses Pods by itself."""


@dataclass(frozen=True, kw_only=True)
class DeployAccessArgs:
    """The block of the stack file, and the cluster's name. Raises ValueError on what Kubernetes would refuse."""

    access: Access
    cluster: str
    """The cluster's name in the kubeconfig."""
    ask: Ask | None = None
    """Asks the API server with a kubeconfig before that is handed on; None asks nobody."""

    def __post_init__(self) -> None:
        require("cluster", self.cluster, rules.DNS_NAME)


class DeployAccess(pulumi.ComponentResource):
    """A Namespace under a Pod Security Standard, and a ServiceAccount bound to ClusterRole `admin` in it.

    The Namespace may be one that exists, which is left as it is. For previews in merge requests there can be a second
    ServiceAccount, bound to ClusterRole `view`, which reads no Secrets. The bindings are RoleBindings, so they
    grant nothing outside of the namespace.
    """

    namespace: pulumi.Output[str]
    """Name of the Namespace, known once it exists."""
    namespace_uid: pulumi.Output[str] | None
    """Uid of the Namespace that the stack makes; None if it makes none."""
    deploy: Credential
    """Credential of the ServiceAccount."""
    preview: Credential | None
    """Credential of the read-only ServiceAccount; None if there is none."""

    def __init__(self, name: str, args: DeployAccessArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("gitlab-deploy:index:DeployAccess", name, _inputs(args), opts)
        access = args.access

        self.namespace = pulumi.Output.from_input(access.namespace)
        self.namespace_uid = None
        if access.create_namespace:
            namespace = kubernetes.core.v1.Namespace(
                f"{name}-namespace",
                metadata={
                    "name": access.namespace,
                    "labels": {
                        "pod-security.kubernetes.io/enforce": access.pod_security,
                        "pod-security.kubernetes.io/enforce-version": POD_SECURITY_VERSION,
                    },
                },
                # Not on the component: protection is inherited, and would then forbid replacing a token.
                opts=pulumi.ResourceOptions(parent=self, protect=access.protect),
            )
            self.namespace = namespace.metadata.name.apply(str)
            self.namespace_uid = namespace.metadata.uid.apply(str)
            if access.default_deny:
                kubernetes.networking.v1.NetworkPolicy(
                    f"{name}-default-deny",
                    metadata={"name": "default-deny", "namespace": self.namespace},
                    spec={"pod_selector": {}, "policy_types": ["Ingress", "Egress"]},
                    opts=pulumi.ResourceOptions(parent=self),
                )
        declare = partial(
            service_account,
            cluster=Cluster(name=args.cluster, access=access),
            ask=args.ask if access.check_server else None,
            namespace=self.namespace,
            rotation=access.rotation,
            parent=self,
        )
        self.deploy = declare(name, access.service_account, role="admin")
        self.preview = (
            declare(f"{name}-preview", f"{access.service_account}-preview", role="view") if access.preview else None
        )
        self.register_outputs(
            {"namespace": self.namespace, "kubeconfig": self.deploy.kubeconfig, "token": self.deploy.token}
        )


def _inputs(args: DeployAccessArgs) -> pulumi.Inputs:
    """What a policy pack can check."""
    access = args.access
    return {
        "namespace": access.namespace,
        "createNamespace": access.create_namespace,
        "serviceAccount": access.service_account,
        "server": access.server,
        "rotation": access.rotation,
        "preview": access.preview,
        "protect": access.protect,
        # Only what is said: an input more is a change of every stack.
        **({} if access.pod_security == "restricted" else {"podSecurity": access.pod_security}),
        **({} if access.default_deny else {"defaultDeny": False}),
    }
