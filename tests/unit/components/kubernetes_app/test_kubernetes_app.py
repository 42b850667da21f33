from typing import Any

import pytest

from components.image.reference import ImageReference
from components.kubernetes_app.kubernetes_app import WebApp, WebAppArgs
from tests.support.recorder import Recorder, deploy

BLOG = ImageReference.parse("blog:1")
APP = WebAppArgs(namespace="example", image=ImageReference.parse("registry.example.com/group/blog:1.0.0"), port=8080)


def app(args: WebAppArgs = APP) -> Recorder:
    return deploy(lambda: WebApp("app", args))


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
    args = WebAppArgs(
        namespace="example",
        image=BLOG,
        port=8080,
        host="blog.example.org",
        ingress_class="nginx",
        tls_secret="blog-tls",
    )
    ingress = app(args).one("kubernetes:networking.k8s.io/v1:Ingress").inputs["spec"]
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
    assert pod(run)["containers"][0]["resources"]["requests"] == {"cpu": "50m", "memory": "128Mi"}
    assert run.one("kubernetes:policy/v1:PodDisruptionBudget").inputs["spec"]["maxUnavailable"] == 1


def test_app_lets_in_only_its_port_and_out_only_dns_and_what_is_named() -> None:
    args = WebAppArgs(namespace="example", image=BLOG, port=9000, egress=("10.20.0.0/16",))
    spec = app(args).one("kubernetes:networking.k8s.io/v1:NetworkPolicy").inputs["spec"]
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
    ("field", "value"),
    [("port", 0), ("port", 65536), ("replicas", 0), ("health_path", "healthz"), ("host", "a_b")],
)
def test_app_args_refuse_what_kubernetes_would_refuse(field: str, value: object) -> None:
    fields: dict[str, Any] = {"namespace": "example", "image": BLOG, "port": 8080, field: value}
    with pytest.raises(ValueError, match=rf"{field}: .*{value}"):
        WebAppArgs(**fields)
