from components.image.reference import ImageReference
from components.kubernetes_app.args import KubernetesAppArgs
from components.kubernetes_app.kubernetes_app import KubernetesApp
from components.settings.app import App
from components.settings.autoscale import Autoscale
from components.settings.kubernetes import Kubernetes
from tests.support.recorder import deploy


def test_autoscaler_owns_the_number_of_pods_from_its_smallest_on() -> None:
    target = Kubernetes(autoscale=Autoscale(min=3, max=10, cpu=60))
    args = KubernetesAppArgs(
        app=App(port=8080), target=target, namespace="example", image=ImageReference.parse("blog:1.0.0")
    )
    run = deploy(lambda: KubernetesApp("app", args))
    spec = run.one("kubernetes:autoscaling/v2:HorizontalPodAutoscaler").inputs["spec"]
    assert spec["scaleTargetRef"] == {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    assert (spec["minReplicas"], spec["maxReplicas"]) == (3, 10)
    assert spec["metrics"][0]["resource"]["target"] == {"type": "Utilization", "averageUtilization": 60}
    deployment = run.one("kubernetes:apps/v1:Deployment")
    assert deployment.inputs["spec"]["replicas"] == 3
    assert deployment.ignore_changes == ("spec.replicas",)
