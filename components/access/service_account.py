"""A ServiceAccount, what it may do in its namespace, and its credential, which does not expire by itself."""

import base64
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as kubernetes

from components.access import kubeconfig
from components.settings import kubernetes_rules
from components.settings.access import Access

Ask = Callable[[str, Access], Awaitable[str | None]]
"""Why the API server does not accept a kubeconfig; None if it does."""


@dataclass(frozen=True, kw_only=True)
class Credential:
    """What a client authenticates with as the ServiceAccount. Both are secret."""

    kubeconfig: pulumi.Output[str]
    """One line of JSON with no white space."""
    token: pulumi.Output[str]
    """The bare token in that kubeconfig."""


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """The cluster of a kubeconfig, and how it is reached."""

    name: str
    access: Access

    def render(self, *, authority: str, user: str, token: str) -> str:
        """The kubeconfig of a user; `authority` is base64 of the cluster's own certificate authority in PEM."""
        access = self.access
        given: str | None = authority
        if access.certificate_authority == kubernetes_rules.SYSTEM:
            given = None
        elif access.certificate_authority:
            given = base64.b64encode(access.certificate_authority.encode()).decode()
        return kubeconfig.render(
            cluster=self.name,
            server=access.server,
            certificate_authority_data=given,
            namespace=access.namespace,
            user=user,
            token=token,
            tls_server_name=access.tls_server_name,
            proxy_url=access.proxy_url,
        )


def service_account(
    prefix: str,
    account_name: str,
    *,
    cluster: Cluster,
    namespace: pulumi.Output[str],
    role: str,
    rotation: str,
    ask: Ask | None,
    parent: pulumi.Resource,
) -> Credential:
    """Declares a ServiceAccount, its RoleBinding to a ClusterRole, and its token; returns the credential.

    `prefix` starts the names of the resources, `namespace` is known once the namespace exists; `ask` says why the API
    server would not take the kubeconfig, which then reaches nobody. The token is an explicit
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

    async def credential(data: Mapping[str, str] | None) -> tuple[str, str]:
        if not data or "token" not in data or "ca.crt" not in data:
            raise pulumi.RunError(
                f"The Secret {cluster.access.namespace}/{secret_name} holds no token yet, which the cluster fills in; "
                "run the same command again"
            )
        token = base64.b64decode(data["token"]).decode()
        rendered = cluster.render(authority=data["ca.crt"], user=account_name, token=token)
        problem = await ask(rendered, cluster.access) if ask and not pulumi.runtime.is_dry_run() else None
        if problem:
            raise pulumi.RunError(problem)
        return token, rendered

    issued: pulumi.Output[tuple[str, str]] = pulumi.Output.secret(secret.data.apply(credential))
    return Credential(kubeconfig=issued.apply(lambda pair: pair[1]), token=issued.apply(lambda pair: pair[0]))
