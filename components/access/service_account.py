"""A ServiceAccount, what it may do in its namespace, and its credential, which does not expire by itself."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as kubernetes

from components.access import kubeconfig


@dataclass(frozen=True, kw_only=True)
class Credential:
    """What a client authenticates with as the ServiceAccount. Both are secret."""

    kubeconfig: pulumi.Output[str]
    """One line of JSON with no white space."""
    token: pulumi.Output[str]
    """The bare token in that kubeconfig."""


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """The cluster and namespace of a kubeconfig."""

    name: str
    server: str
    namespace: str


def service_account(
    prefix: str,
    account_name: str,
    *,
    cluster: Cluster,
    namespace: pulumi.Output[str],
    role: str,
    rotation: str,
    parent: pulumi.Resource,
) -> Credential:
    """Declares a ServiceAccount, its RoleBinding to a ClusterRole, and its token; returns the credential.

    `prefix` starts the names of the resources, `namespace` is known once the namespace exists. The token is an explicit
    Secret, since Kubernetes 1.24 creates none by itself; it does not expire, and is revoked when `rotation` changes.
    """
    account = kubernetes.core.v1.ServiceAccount(
        f"{prefix}-service-account",
        metadata={"name": account_name, "namespace": namespace},
        automount_service_account_token=False,
        opts=pulumi.ResourceOptions(parent=parent),
    )
    of_account = pulumi.ResourceOptions(parent=parent, depends_on=[account])
    kubernetes.rbac.v1.RoleBinding(
        f"{prefix}-role-binding",
        metadata={"name": f"{account_name}-{role}", "namespace": namespace},
        role_ref={"api_group": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
        subjects=[{"kind": "ServiceAccount", "name": account_name, "namespace": namespace}],
        opts=of_account,
    )
    secret_name = f"{account_name}-token-{rotation}"
    secret = kubernetes.core.v1.Secret(
        f"{prefix}-token",
        # The name changes with the rotation, so Pulumi creates the new Secret before it deletes the old one.
        metadata={
            "name": secret_name,
            "namespace": namespace,
            "annotations": {"kubernetes.io/service-account.name": account_name},
        },
        type="kubernetes.io/service-account-token",
        opts=of_account,
    )

    def credential(data: Mapping[str, str] | None) -> tuple[str, str]:
        if not data or "token" not in data or "ca.crt" not in data:
            raise pulumi.RunError(
                f"The Secret {cluster.namespace}/{secret_name} holds no token yet, which the cluster fills in; "
                "run the same command again"
            )
        token = base64.b64decode(data["token"]).decode()
        rendered = kubeconfig.render(
            cluster=cluster.name,
            server=cluster.server,
            certificate_authority_data=data["ca.crt"],
            namespace=cluster.namespace,
            user=account_name,
            token=token,
        )
        return token, rendered

    issued: pulumi.Output[tuple[str, str]] = pulumi.Output.secret(secret.data.apply(credential))
    return Credential(kubeconfig=issued.apply(lambda pair: pair[1]), token=issued.apply(lambda pair: pair[0]))
