from components.image.reference import ImageReference
from components.kubernetes_app.args import KubernetesAppArgs
from components.kubernetes_app.network_policy import network_policy
from components.settings.app import App
from components.settings.kubernetes import Kubernetes


def test_what_an_application_reaches_is_open_by_name_in_its_namespace_alone() -> None:
    args = KubernetesAppArgs(
        app=App(port=8080),
        target=Kubernetes(reaches=("db",)),
        namespace="example",
        image=ImageReference.parse("blog:1.0.0"),
    )
    [_, opened] = network_policy({"app": "web"}, args)["egress"]
    # A selector of Pods without one of namespaces means the policy's own.
    assert opened == {"to": [{"pod_selector": {"match_labels": {"app.kubernetes.io/name": "db"}}}]}
