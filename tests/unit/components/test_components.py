import base64
import json
import re
from dataclasses import replace
from typing import Any

import pulumi
import pytest

from components.access.deploy_access import DeployAccess, DeployAccessArgs
from components.access.pipeline_credential import PipelineCredential, PipelineCredentialArgs
from components.kubernetes_app.kubernetes_app import KubernetesApp, KubernetesAppArgs
from components.settings.access import Access
from components.settings.app import App, Health
from components.settings.kubernetes import Kubernetes
from tests.support.project import leaks
from tests.support.recorder import Recorder, deploy

TOKEN = "eyJhbGciOiJSUzI1NiJ9.payload.signature"
SECRET = {
    "kubernetes:core/v1:Secret": {
        "data": {"token": base64.b64encode(TOKEN.encode()).decode(), "ca.crt": base64.b64encode(b"PEM").decode()}
    }
}
BLOCK = Access(
    namespace="example", service_account="gitlab-example", server="https://kube.example.com:6443", rotation="2026-11"
)
ACCESS = DeployAccessArgs(access=BLOCK, cluster="production")
APP = App(port=8080)
TARGET = Kubernetes()


def access(args: DeployAccessArgs = ACCESS, outputs: Any = SECRET) -> Recorder:
    return deploy(lambda: DeployAccess("access", args).deploy.kubeconfig, outputs)


def test_access_declares_exactly_its_objects() -> None:
    run = access()
    assert run.types() == [
        "kubernetes:core/v1:Namespace",
        "kubernetes:core/v1:Secret",
        "kubernetes:core/v1:ServiceAccount",
        "kubernetes:networking.k8s.io/v1:NetworkPolicy",
        "kubernetes:rbac.authorization.k8s.io/v1:RoleBinding",
    ]


def test_access_binds_cluster_role_admin_in_its_namespace_only() -> None:
    run = access()
    binding = run.one("kubernetes:rbac.authorization.k8s.io/v1:RoleBinding").inputs
    assert binding["roleRef"] == {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "admin"}
    assert binding["metadata"] == {"name": "gitlab-example-admin", "namespace": "example"}
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": "gitlab-example", "namespace": "example"}]
    assert not [d for d in run.declarations if "ClusterRoleBinding" in d.type]


def test_access_token_is_an_explicit_secret_named_by_the_rotation() -> None:
    run = access()
    secret = run.one("kubernetes:core/v1:Secret")
    assert secret.inputs["type"] == "kubernetes.io/service-account-token"
    assert secret.inputs["metadata"]["name"] == "gitlab-example-token-2026-11"
    assert secret.inputs["metadata"]["annotations"] == {"kubernetes.io/service-account.name": "gitlab-example"}
    assert "access-service-account" in secret.depends_on


def test_access_protects_the_namespace_alone() -> None:
    run = access()
    assert [d.name for d in run.declarations if d.protect] == ["access-namespace"]


def test_access_protection_can_be_taken_off() -> None:
    run = access(DeployAccessArgs(access=replace(BLOCK, protect=False), cluster="c"))
    assert not [d.name for d in run.declarations if d.protect]


def test_access_pins_a_pod_security_standard_and_denies_traffic_by_default() -> None:
    run = access()
    labels = run.one("kubernetes:core/v1:Namespace").inputs["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
    assert labels["pod-security.kubernetes.io/enforce-version"].startswith("v1.")
    policy = run.one("kubernetes:networking.k8s.io/v1:NetworkPolicy").inputs["spec"]
    assert policy == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


def test_access_mounts_no_token_into_pods() -> None:
    run = access()
    assert run.one("kubernetes:core/v1:ServiceAccount").inputs["automountServiceAccountToken"] is False


def test_access_kubeconfig_is_secret_and_reaches_only_its_namespace() -> None:
    found: dict[str, tuple[bool, str | None]] = {}

    async def look(name: str, output: pulumi.Output[str]) -> None:
        found[name] = (await output.is_secret(), await output.future())

    def program() -> object:
        issued = DeployAccess("access", ACCESS).deploy
        return pulumi.Output.all(look("kubeconfig", issued.kubeconfig), look("token", issued.token))

    deploy(program, SECRET)
    assert found["token"] == (True, TOKEN)
    secret, text = found["kubeconfig"]
    assert secret
    kubeconfig = json.loads(text or "")
    assert kubeconfig["users"] == [{"name": "gitlab-example", "user": {"token": TOKEN}}]
    assert kubeconfig["contexts"][0]["context"]["namespace"] == "example"
    assert kubeconfig["clusters"][0]["cluster"]["server"] == "https://kube.example.com:6443"
    assert base64.b64decode(kubeconfig["clusters"][0]["cluster"]["certificate-authority-data"]) == b"PEM"


def test_access_token_secret_not_filled_yet_is_one_sentence_with_a_remedy() -> None:
    with pytest.raises(pulumi.RunError, match=r"example/gitlab-example-token-2026-11 holds no token yet.*run the same"):
        access(outputs={"kubernetes:core/v1:Secret": {"data": {}}})


def test_access_args_refuse_what_kubernetes_would_refuse() -> None:
    with pytest.raises(ValueError, match="namespace: 'Example' is not a DNS label; use"):
        replace(BLOCK, namespace="Example")
    with pytest.raises(ValueError, match="namespace: 'kube-system' belongs to the cluster; name"):
        replace(BLOCK, namespace="kube-system")
    with pytest.raises(ValueError, match="cluster: 'C' is not a DNS name"):
        DeployAccessArgs(access=BLOCK, cluster="C")


def credential(variable: Any = "file", kubeconfig: str = '{"a":"b,$c"}', token: str = TOKEN) -> Recorder:
    args = PipelineCredentialArgs(
        project="group/blog", environment="production", variable=variable, kubeconfig=kubeconfig, token=token
    )
    return deploy(lambda: PipelineCredential("pipeline", args))


def test_credential_as_a_file_is_stored_as_it_is() -> None:
    variable = credential().one("gitlab:index/projectVariable:ProjectVariable", "pipeline-kubeconfig").inputs
    assert variable == {
        "project": "group/blog",
        "key": "KUBECONFIG",
        "value": '{"a":"b,$c"}',
        "variableType": "file",
        "environmentScope": "production",
        "hidden": False,
        "masked": True,
        "protected": True,
        "raw": True,
        "description": "Managed by gitlab-deploy",
    }


def test_credential_as_base64_is_one_line_in_an_environment_variable() -> None:
    text = '{"a":"' + "b" * 200 + '"}'
    variable = (
        credential("base64", text).one("gitlab:index/projectVariable:ProjectVariable", "pipeline-kubeconfig").inputs
    )
    assert variable["variableType"] == "env_var"
    assert "\n" not in variable["value"]
    assert base64.b64decode(variable["value"]).decode() == text


def test_credential_bare_token_is_a_masked_and_protected_variable_too() -> None:
    variable = credential().one("gitlab:index/projectVariable:ProjectVariable", "pipeline-token").inputs
    assert variable["key"] == "KUBE_TOKEN"
    assert variable["value"] == TOKEN
    assert variable["masked"]
    assert variable["protected"]


def test_credential_for_branches_that_are_not_protected_is_masked_all_the_same() -> None:
    args = PipelineCredentialArgs(
        project="group/blog",
        environment="preview/*",
        variable="file",
        kubeconfig="{}" * 9,
        token=TOKEN,
        protected=False,
    )
    variables = [d.inputs for d in deploy(lambda: PipelineCredential("pipeline", args)).declarations if d.custom]
    assert [(v["masked"], v["protected"], v["environmentScope"]) for v in variables] == [(True, False, "preview/*")] * 2


def test_credential_values_are_marked_as_secret() -> None:
    for form in ("file", "base64"):
        variables = [d for d in credential(form).declarations if d.custom]
        assert [d.secret for d in variables] == [frozenset({"value"})] * 2


@pytest.mark.parametrize(
    ("kubeconfig", "rule"),
    [("apiVersion: v1\nkind: Config", "one line with no white space"), ("{}", "at least 8 characters")],
)
def test_credential_that_cannot_be_masked_is_refused_before_anything_is_sent(kubeconfig: str, rule: str) -> None:
    with pytest.raises(pulumi.RunError) as caught:
        credential(kubeconfig=kubeconfig)
    assert rule in str(caught.value)
    assert "KUBECONFIG of group/blog" in str(caught.value)
    assert kubeconfig not in str(caught.value)


def app(app: App = APP, target: Kubernetes = TARGET) -> Recorder:
    args = KubernetesAppArgs(app=app, target=target, namespace="example", image="registry.example.com/group/blog:1.0.0")
    return deploy(
        lambda: KubernetesApp("app", args),
        {"kubernetes:core/v1:Secret": {"metadata": {"name": "web-secrets", "uid": "1"}}},
    )


def pod(run: Recorder) -> Any:
    return run.one("kubernetes:apps/v1:Deployment").inputs["spec"]["template"]["spec"]


def test_app_without_a_host_has_no_ingress() -> None:
    assert app().types() == [
        "kubernetes:apps/v1:Deployment",
        "kubernetes:core/v1:Service",
        "kubernetes:networking.k8s.io/v1:NetworkPolicy",
        "kubernetes:policy/v1:PodDisruptionBudget",
    ]


def test_app_with_a_host_has_an_ingress_for_it() -> None:
    target = Kubernetes(host="blog.example.org", ingress_class="nginx", tls_secret="blog-tls")
    ingress = app(target=target).one("kubernetes:networking.k8s.io/v1:Ingress").inputs["spec"]
    assert ingress["ingressClassName"] == "nginx"
    assert ingress["tls"] == [{"hosts": ["blog.example.org"], "secretName": "blog-tls"}]
    assert ingress["rules"][0]["host"] == "blog.example.org"
    assert ingress["rules"][0]["http"]["paths"][0]["backend"] == {"service": {"name": "web", "port": {"name": "http"}}}


def test_app_pods_keep_the_restricted_standard() -> None:
    spec = pod(app())
    assert spec["securityContext"] == {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    assert spec["automountServiceAccountToken"] is False
    assert spec["containers"][0]["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def test_app_never_has_fewer_ready_pods_than_replicas_during_a_rollout() -> None:
    spec = app().one("kubernetes:apps/v1:Deployment").inputs["spec"]
    assert spec["strategy"] == {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}
    container = spec["template"]["spec"]["containers"][0]
    assert container["readinessProbe"]["httpGet"] == {"path": "/", "port": "http"}
    assert container["lifecycle"]["preStop"]["sleep"]["seconds"] > 0


def test_app_requests_resources_and_allows_one_disruption() -> None:
    run = app()
    assert pod(run)["containers"][0]["resources"]["requests"] == {"cpu": "50m", "memory": "256Mi"}
    assert run.one("kubernetes:policy/v1:PodDisruptionBudget").inputs["spec"]["maxUnavailable"] == 1


def test_app_lets_in_only_its_port_and_out_only_dns_and_what_is_named() -> None:
    spec = (
        app(App(port=9000), Kubernetes(egress=("10.20.0.0/16",)))
        .one("kubernetes:networking.k8s.io/v1:NetworkPolicy")
        .inputs["spec"]
    )
    assert spec["policyTypes"] == ["Ingress", "Egress"]
    assert spec["ingress"] == [{"ports": [{"protocol": "TCP", "port": 9000}]}]
    assert spec["egress"][0] == {"ports": [{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}]}
    assert spec["egress"][1:] == [{"to": [{"ipBlock": {"cidr": "10.20.0.0/16"}}]}]


def test_app_selects_the_same_pods_everywhere() -> None:
    run = app()
    labels = {"app.kubernetes.io/name": "web"}
    deployment = run.one("kubernetes:apps/v1:Deployment").inputs["spec"]
    assert deployment["selector"]["matchLabels"] == labels
    assert deployment["template"]["metadata"]["labels"] == labels
    assert run.one("kubernetes:core/v1:Service").inputs["spec"]["selector"] == labels
    assert run.one("kubernetes:policy/v1:PodDisruptionBudget").inputs["spec"]["selector"] == {"matchLabels": labels}
    assert run.one("kubernetes:networking.k8s.io/v1:NetworkPolicy").inputs["spec"]["podSelector"] == {
        "matchLabels": labels
    }


@pytest.mark.parametrize(
    ("block", "field", "value"),
    [
        (App, "port", 0),
        (App, "port", 65536),
        (Kubernetes, "replicas", 0),
        (Kubernetes, "host", "a_b"),
        (Kubernetes, "on_failure", "retry"),
        (Kubernetes, "egress", ("10.0.0.1/8",)),
        (Health, "path", "healthz"),
    ],
)
def test_block_made_in_code_refuses_what_the_stack_file_would_refuse(
    block: type[Any], field: str, value: object
) -> None:
    fields: dict[str, Any] = ({"port": 8080} if block is App else {}) | {field: value}
    shown = re.escape(repr(value[0] if isinstance(value, tuple) else value))
    with pytest.raises(ValueError, match=rf"{field}(\[0\])?: {shown} is .*; use|start"):
        block(**fields)


def test_app_args_refuse_a_malformed_image() -> None:
    with pytest.raises(ValueError, match="image: 'Blog:1' is not an image reference; use"):
        KubernetesAppArgs(app=APP, target=TARGET, namespace="example", image="Blog:1")


def test_app_secrets_are_one_secret_whose_change_replaces_the_pods() -> None:
    digests = set()
    for value in ("canary", "canary-2"):
        run = app(App(port=8080, secrets={"DB_PASSWORD": value}))
        secret = run.one("kubernetes:core/v1:Secret")
        assert secret.secret == {"data"}
        assert secret.inputs["metadata"]["name"] == "web-secrets"
        assert secret.inputs["data"] == {"DB_PASSWORD": base64.b64encode(value.encode()).decode()}
        deployment = run.one("kubernetes:apps/v1:Deployment")
        assert "app-secrets" in deployment.depends_on
        [container] = pod(run)["containers"]
        assert container["envFrom"] == [{"secretRef": {"name": "web-secrets"}}]
        digests.add(deployment.inputs["spec"]["template"]["metadata"]["annotations"]["gitlab-deploy/secrets"])
        assert not leaks("canary", json.dumps(deployment.inputs))
    assert len(digests) == 2
    assert not [d for d in app().declarations if d.type == "kubernetes:core/v1:Secret"]


def test_app_health_by_a_command_is_an_exec_probe() -> None:
    run = app(App(port=8080, health=Health(command=("/app", "check"))))
    probe = pod(run)["containers"][0]["readinessProbe"]
    assert probe["exec"] == {"command": ["/app", "check"]}
    assert "httpGet" not in probe
