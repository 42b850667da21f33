"""DeployAccess: a namespace, and a robot account that may act in it and nowhere else."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as kubernetes

from components import kubeconfig, rules

POD_SECURITY_VERSION = "v1.32"
"""The enforced version of the Pod Security Standard: pinned, so that no cluster upgrade refuses Pods by itself."""


@dataclass(frozen=True, kw_only=True)
class DeployAccessArgs:
    """The robot account and its cluster. Raises ValueError on what Kubernetes would refuse."""

    namespace: str
    """Name of the Namespace, which this component owns."""
    service_account: str
    """Name of the ServiceAccount."""
    cluster: str
    """The cluster's name in the kubeconfig."""
    server: str
    """Address of the API server as GitLab CI reaches it: https, with an optional port and path."""
    rotation: str = "1"
    """Mark of the current token. Another mark makes a new token first and revokes the old one last."""
    protect: bool = True
    """Whether Pulumi refuses to delete the Namespace, and with it all that runs there."""

    def __post_init__(self) -> None:
        rules.require("namespace", self.namespace, rules.namespace)
        rules.require("service_account", self.service_account, rules.dns_subdomain)
        rules.require("cluster", self.cluster, rules.dns_subdomain)
        rules.require("server", self.server, rules.server_url)
        rules.require("rotation", self.rotation, rules.rotation)


class DeployAccess(pulumi.ComponentResource):
    """A Namespace under Pod Security Standard `restricted`, and a ServiceAccount bound to ClusterRole `admin` in it.

    The binding is a RoleBinding, so it grants nothing outside of the namespace. The token is an explicit Secret, since
    Kubernetes 1.24 makes none by itself; it does not expire, and ends when `rotation` changes.
    """

    namespace: pulumi.Output[str]
    """Name of the Namespace, known once it exists."""
    kubeconfig: pulumi.Output[str]
    """Kubeconfig of the ServiceAccount, one line of JSON (secret)."""
    token: pulumi.Output[str]
    """Bare token of the ServiceAccount (secret)."""

    def __init__(self, name: str, args: DeployAccessArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("gitlab-deploy:index:DeployAccess", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)

        namespace = kubernetes.core.v1.Namespace(
            f"{name}-namespace",
            metadata={
                "name": args.namespace,
                "labels": {
                    "pod-security.kubernetes.io/enforce": "restricted",
                    "pod-security.kubernetes.io/enforce-version": POD_SECURITY_VERSION,
                },
            },
            # Not on the component: protection is inherited, and would then forbid replacing a token.
            opts=pulumi.ResourceOptions(parent=self, protect=args.protect),
        )
        self.namespace = namespace.metadata.name.apply(str)
        kubernetes.networking.v1.NetworkPolicy(
            f"{name}-default-deny",
            metadata={"name": "default-deny", "namespace": self.namespace},
            spec={"pod_selector": {}, "policy_types": ["Ingress", "Egress"]},
            opts=child,
        )
        account = kubernetes.core.v1.ServiceAccount(
            f"{name}-service-account",
            metadata={"name": args.service_account, "namespace": self.namespace},
            automount_service_account_token=False,
            opts=child,
        )
        kubernetes.rbac.v1.RoleBinding(
            f"{name}-role-binding",
            metadata={"name": f"{args.service_account}-admin", "namespace": self.namespace},
            role_ref={"api_group": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "admin"},
            subjects=[{"kind": "ServiceAccount", "name": args.service_account, "namespace": self.namespace}],
            opts=pulumi.ResourceOptions(parent=self, depends_on=[account]),
        )
        secret_name = f"{args.service_account}-token-{args.rotation}"
        secret = kubernetes.core.v1.Secret(
            f"{name}-token",
            # The name changes with the rotation, so Pulumi makes the new Secret before it deletes the old one.
            metadata={
                "name": secret_name,
                "namespace": self.namespace,
                "annotations": {"kubernetes.io/service-account.name": args.service_account},
            },
            type="kubernetes.io/service-account-token",
            opts=pulumi.ResourceOptions(parent=self, depends_on=[account]),
        )

        def credential(data: Mapping[str, str] | None) -> tuple[str, str]:
            if not data or "token" not in data or "ca.crt" not in data:
                raise pulumi.RunError(
                    f"The Secret {args.namespace}/{secret_name} holds no token yet, which the cluster fills in; "
                    "run the same command again"
                )
            token = base64.b64decode(data["token"]).decode()
            rendered = kubeconfig.render(
                cluster=args.cluster,
                server=args.server,
                certificate_authority_data=data["ca.crt"],
                namespace=args.namespace,
                user=args.service_account,
                token=token,
            )
            return token, rendered

        issued: pulumi.Output[tuple[str, str]] = pulumi.Output.secret(secret.data.apply(credential))
        self.token = issued.apply(lambda pair: pair[0])
        self.kubeconfig = issued.apply(lambda pair: pair[1])
        self.register_outputs({"namespace": self.namespace, "kubeconfig": self.kubeconfig, "token": self.token})
