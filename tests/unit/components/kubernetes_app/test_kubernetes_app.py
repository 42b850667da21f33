import base64
import json
import re
from typing import Any

import pytest

from components.image.reference import ImageReference
from components.kubernetes_app.args import KubernetesAppArgs
from components.kubernetes_app.kubernetes_app import KubernetesApp
from components.settings.app import App, Health
from components.settings.kubernetes import Kubernetes
from tests.support.project import leaks
from tests.support.recorder import Recorder, deploy

APP = App(port=8080)
TARGET = Kubernetes()
IMAGE = ImageReference.parse("registry.example.com/group/blog:1.0.0")


def app(app: App = APP, target: Kubernetes = TARGET) -> Recorder:
    args = KubernetesAppArgs(app=app, target=target, namespace="example", image=IMAGE)
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


def test_app_args_refuse_a_mutable_image() -> None:
    with pytest.raises(ValueError, match="image: 'blog:latest' is another image from one day to the next"):
        KubernetesAppArgs(app=APP, target=TARGET, namespace="example", image=ImageReference.parse("blog:latest"))


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
