import copy
from pathlib import Path
from typing import Any

import pytest

from components.settings.settings import Settings
from ops.adopt.handmade import Handmade, keys_to_set, obstacles
from tests.support.stack_files import EVERY, read

DEPLOYMENT: dict[str, Any] = {
    "kind": "Deployment",
    "metadata": {"name": "web"},
    "spec": {
        "selector": {"matchLabels": {"app": "blog"}},
        "template": {
            "metadata": {"labels": {"app": "blog", "team": "a"}},
            "spec": {
                "containers": [{"name": "blog", "readinessProbe": {"httpGet": {}}}],
                "volumes": [{"name": "cache", "emptyDir": {}}],
            },
        },
    },
}
SERVICE: dict[str, Any] = {
    "kind": "Service",
    "metadata": {"name": "web"},
    "spec": {"type": "ClusterIP", "selector": {"app": "blog"}, "ports": [{"port": 80, "targetPort": 8080}]},
}
INGRESS: dict[str, Any] = {
    "kind": "Ingress",
    "metadata": {"name": "web"},
    "spec": {
        "rules": [
            {
                "host": "blog.example.org",
                "http": {"paths": [{"backend": {"service": {"name": "web", "port": {"name": "www"}}}}]},
            }
        ]
    },
}
POD: dict[str, Any] = {"metadata": {"name": "blog-1", "labels": {"app": "blog", "team": "a"}}}


@pytest.fixture
def stack(tmp_path: Path) -> Settings:
    found, problems = read(EVERY, tmp_path)
    assert found, problems
    return found


def handmade(*items: Any, **more: Any) -> Handmade:
    return Handmade(objects={(item["kind"], item["metadata"]["name"]): item for item in items}, **more)


def changed(item: Any, path: str, value: Any) -> Any:
    made = copy.deepcopy(item)
    *above, last = path.split(".")
    inner = made
    for name in above:
        inner = inner[int(name) if name.isdigit() else name]
    inner[int(last) if last.isdigit() else last] = value
    return made


def test_recipe_as_people_follow_it_is_not_in_the_way(stack: Settings) -> None:
    namespace = {"kind": "Namespace", "metadata": {"name": "example"}}
    found = handmade(namespace, DEPLOYMENT, SERVICE, pods=[POD], ingresses=[INGRESS])
    assert obstacles(stack, found) == []
    assert keys_to_set(stack, found) == {'kubernetes.selector["app"]': "blog", "kubernetes.container": "blog"}


@pytest.mark.parametrize(
    ("item", "path", "value", "said"),
    [
        (DEPLOYMENT, "spec.selector.matchExpressions", [{}], "matchExpressions, which never change"),
        (DEPLOYMENT, "spec.template.spec.containers", [{"name": "a"}, {"name": "b"}], "several containers (a, b)"),
        (
            DEPLOYMENT,
            "spec.template.spec.containers.0.readinessProbe",
            {"tcpSocket": {}},
            "readinessProbe with tcpSocket",
        ),
        (DEPLOYMENT, "spec.template.spec.containers.0.env", [{"name": "LEVEL"}], "sets LEVEL, and the stack does not"),
        (
            DEPLOYMENT,
            "spec.template.spec.containers.0.command",
            ["a"],
            "sets command to another value than app.command",
        ),
        (DEPLOYMENT, "spec.template.spec.volumes", [{"name": "data", "hostPath": {}}], "has the volume data"),
        (SERVICE, "spec.type", "NodePort", "is of type NodePort"),
        (SERVICE, "spec.clusterIP", "None", "is headless"),
        (SERVICE, "spec.selector", {"app": "other"}, "leads to other Pods"),
        (SERVICE, "spec.ports.0.port", 8080, "listens on port 8080, and the stack's on 80"),
        (SERVICE, "spec.ports.0.targetPort", 9000, "leads to port 9000 of the Pods, and app.port is 8080"),
        (SERVICE, "spec.ports.0.name", "www", "Ingress web leads to port 'www' of Service web"),
        (INGRESS, "spec.rules.0.host", "other.example.org", "Ingress web routes other.example.org too"),
        (INGRESS, "spec.tls", [{}], "name its Secret as kubernetes.tlsSecret"),
        ({"kind": "RoleBinding", "metadata": {"name": "sa-admin"}}, "roleRef", {"kind": "Role", "name": "x"}, "Role x"),
        ({"kind": "PodDisruptionBudget", "metadata": {"name": "web"}}, "spec", {"minAvailable": 1}, "minAvailable"),
    ],
)
def test_each_value_that_cannot_be_taken_over_is_named(
    stack: Settings, item: Any, path: str, value: Any, said: str
) -> None:
    items = [other for other in (DEPLOYMENT, SERVICE) if other["kind"] != item["kind"]]
    (problem,) = obstacles(stack, handmade(*items, changed(item, path, value), ingresses=[INGRESS]))
    assert said in problem


def test_other_pods_in_the_namespace_are_named(stack: Settings) -> None:
    namespace = {"kind": "Namespace", "metadata": {"name": "example"}}
    other = {"metadata": {"name": "db-0", "labels": {"app": "db"}}}
    (problem,) = obstacles(stack, handmade(namespace, DEPLOYMENT, SERVICE, pods=[POD, other]))
    assert "(db-0)" in problem
    assert "createNamespace to false" in problem
