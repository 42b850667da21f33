"""The resources of a stack as one flat program: no components, no checks, nothing that is not declared."""

import base64
import json

import pulumi
import pulumi_kubernetes as kubernetes

config = pulumi.Config()
name, image = config.require("namespace"), config.require("image")
cluster = kubernetes.Provider("cluster", kubeconfig="", cluster_identifier="sandbox", enable_secret_mutable=True)
on_cluster = pulumi.ResourceOptions(provider=cluster)
labels = {"app.kubernetes.io/name": "web", **json.loads(config.require("selector"))}
selector = json.loads(config.require("selector"))
namespace: pulumi.Input[str] = name
pull_secret: pulumi.Input[str] = "registry"  # noqa: S105 - a name

if config.get_bool("access"):
    import pulumi_gitlab as gitlab

    account = "gitlab-example"
    made = kubernetes.core.v1.Namespace(
        "namespace",
        metadata={
            "name": name,
            "labels": {
                "pod-security.kubernetes.io/enforce": "restricted",
                "pod-security.kubernetes.io/enforce-version": "v1.32",
            },
        },
        opts=on_cluster,
    )
    namespace = made.metadata.name.apply(str)
    kubernetes.networking.v1.NetworkPolicy(
        "default-deny",
        metadata={"name": "default-deny", "namespace": namespace},
        spec={"pod_selector": {}, "policy_types": ["Ingress", "Egress"]},
        opts=on_cluster,
    )
    service_account = kubernetes.core.v1.ServiceAccount(
        "service-account",
        metadata={"name": account, "namespace": namespace},
        automount_service_account_token=False,
        opts=on_cluster,
    )
    of_account = pulumi.ResourceOptions(provider=cluster, depends_on=[service_account])
    kubernetes.rbac.v1.RoleBinding(
        "role-binding",
        metadata={"name": f"{account}-admin", "namespace": namespace},
        role_ref={"api_group": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "admin"},
        subjects=[{"kind": "ServiceAccount", "name": account, "namespace": namespace}],
        opts=of_account,
    )
    token_secret = kubernetes.core.v1.Secret(
        "token",
        metadata={
            "name": f"{account}-token",
            "namespace": namespace,
            "annotations": {"kubernetes.io/service-account.name": account},
        },
        type="kubernetes.io/service-account-token",
        opts=of_account,
    )

    def kubeconfig(data: dict[str, str]) -> str:
        """The ServiceAccount's, as one line."""
        reached = {"server": config.require("server"), "certificate-authority-data": data["ca.crt"]}
        user = {"token": base64.b64decode(data["token"]).decode()}
        document = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "sandbox", "cluster": reached}],
            "users": [{"name": account, "user": user}],
            "contexts": [{"name": "sandbox", "context": {"cluster": "sandbox", "namespace": name, "user": account}}],
            "current-context": "sandbox",
        }
        return json.dumps(document, separators=(",", ":"))

    on_gitlab = pulumi.ResourceOptions(
        provider=gitlab.Provider(
            "gitlab", base_url=config.require("gitlab"), token=pulumi.Output.secret(config.require("token"))
        )
    )
    data: pulumi.Output[dict[str, str]] = pulumi.Output.secret(token_secret.data.apply(dict))
    for variable, kind, value in (
        ("KUBECONFIG", "file", data.apply(kubeconfig)),
        ("KUBE_TOKEN", "env_var", data.apply(lambda data: base64.b64decode(data["token"]).decode())),
    ):
        gitlab.ProjectVariable(
            variable,
            project="group/blog",
            key=variable,
            value=value,
            variable_type=kind,
            environment_scope=name,
            masked=True,
            hidden=False,
            protected=True,
            raw=True,
            opts=on_gitlab,
        )
    deploy_token = gitlab.ProjectDeployToken(
        "registry-token", project="group/blog", name=f"flat-{name}", scopes=["read_registry"], opts=on_gitlab
    )

    def docker_config(pair: list[str]) -> str:
        """The login, as Kubernetes keeps it."""
        auth = base64.b64encode(":".join(pair).encode()).decode()
        return json.dumps({"auths": {"registry.sandbox.test": {"auth": auth}}})

    pair = pulumi.Output.all(deploy_token.username, deploy_token.token)
    login: pulumi.Output[str] = pulumi.Output.secret(pair.apply(docker_config))
    registry = kubernetes.core.v1.Secret(
        "pull-secret",
        metadata={"name": pull_secret, "namespace": namespace},
        type="kubernetes.io/dockerconfigjson",
        string_data={".dockerconfigjson": login},
        opts=on_cluster,
    )
    pull_secret = registry.metadata.name.apply(str)

metadata: kubernetes.meta.v1.ObjectMetaArgsDict = {"name": "web", "namespace": namespace, "labels": labels}
kubernetes.networking.v1.NetworkPolicy(
    "network-policy",
    metadata=metadata,
    spec={
        "pod_selector": {"match_labels": selector},
        "policy_types": ["Ingress", "Egress"],
        "ingress": [{"ports": [{"protocol": "TCP", "port": 8080}]}],
        "egress": [{"ports": [{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}]}],
    },
    opts=on_cluster,
)
kubernetes.apps.v1.Deployment(
    "deployment",
    metadata=metadata,
    spec={
        "replicas": 2,
        "selector": {"match_labels": selector},
        "strategy": {"type": "RollingUpdate", "rolling_update": {"max_surge": 1, "max_unavailable": 0}},
        "template": {
            "metadata": {"labels": labels},
            "spec": {
                "automount_service_account_token": False,
                "enable_service_links": False,
                "image_pull_secrets": [{"name": pull_secret}],
                "security_context": {"run_as_non_root": True, "seccomp_profile": {"type": "RuntimeDefault"}},
                "containers": [
                    {
                        "name": "web",
                        "image": image,
                        "ports": [{"name": "http", "container_port": 8080, "protocol": "TCP"}],
                        "readiness_probe": {
                            "http_get": {"path": "/healthz", "port": "http"},
                            "period_seconds": 2,
                            "timeout_seconds": 2,
                            "failure_threshold": 3,
                        },
                        "resources": {
                            "requests": {"cpu": "50m", "memory": "64Mi"},
                            "limits": {"memory": "64Mi"},
                        },
                        "security_context": {
                            "allow_privilege_escalation": False,
                            "read_only_root_filesystem": True,
                            "capabilities": {"drop": ["ALL"]},
                        },
                        "lifecycle": {"pre_stop": {"sleep": {"seconds": 5}}},
                    }
                ],
            },
        },
    },
    opts=on_cluster,
)
kubernetes.policy.v1.PodDisruptionBudget(
    "disruption-budget",
    metadata=metadata,
    spec={"max_unavailable": 1, "selector": {"match_labels": selector}},
    opts=on_cluster,
)
kubernetes.core.v1.Service(
    "service",
    # The provider would let ten seconds pass.
    metadata={**metadata, "annotations": {"pulumi.com/skipAwait": "true"}},
    spec={
        "type": "ClusterIP",
        "selector": selector,
        "ports": [{"name": "http", "port": 80, "target_port": "http", "protocol": "TCP"}],
    },
    opts=on_cluster,
)
