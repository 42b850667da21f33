from typing import Any

import pytest

from components.cluster.taken_over import taken_over

CONTAINER = 'k:{"name":"app"}'


def pods(fields: dict[str, Any]) -> dict[str, Any]:
    return {"f:spec": {"f:template": {"f:spec": {"f:containers": {CONTAINER: fields}}}}}


def metadata(manager: str, fields: dict[str, Any], **entry: Any) -> dict[str, Any]:
    own = {"manager": "pulumi-kubernetes-1f2e3d", "operation": "Apply", "fieldsV1": pods({".": {}, "f:image": {}})}
    return {"managedFields": [own, {"manager": manager, "operation": "Update", "fieldsV1": fields, **entry}]}


@pytest.mark.parametrize(
    ("manager", "fields", "expected"),
    [
        (
            "kubectl-set",
            pods({"f:env": {".": {}, 'k:{"name":"DB_PASSWORD"}': {".": {}, "f:name": {}, "f:valueFrom": {}}}}),
            ".spec.template.spec.containers[app].env[DB_PASSWORD] (kubectl-set)",
        ),
        ("kubectl-set", pods({"f:image": {}}), ".spec.template.spec.containers[app].image (kubectl-set)"),
        (
            "kubectl-label",
            {"f:metadata": {"f:labels": {"f:team": {}, "f:example.org/cost\x1b[2J": {}}}},
            ".metadata.labels.team (kubectl-label), .metadata.labels[example.org/cost] (kubectl-label)",
        ),
        (
            "kubectl-edit",
            {"f:metadata": {"f:finalizers": {".": {}, 'v:"a.b/c"': {}}}},
            ".metadata.finalizers (kubectl-edit)",
        ),
    ],
)
def test_what_kubectl_has_set_is_named_with_its_path(manager: str, fields: dict[str, Any], expected: str) -> None:
    assert taken_over(metadata(manager, fields)) == expected


def test_long_list_of_fields_is_shortened() -> None:
    labels: dict[str, Any] = {f"f:label{number}": {} for number in range(9)}
    said = taken_over(metadata("kubectl", {"f:metadata": {"f:labels": labels}}))
    assert said
    assert said.count("(kubectl)") == 5
    assert said.endswith(", 4 more")


@pytest.mark.parametrize(
    "found",
    [
        {},
        metadata("kube-controller-manager", pods({"f:image": {}})),
        metadata("kubectl", {"f:spec": {"f:replicas": {}}}, subresource="scale"),
        metadata("kubectl-rollout", pods({"f:image": {}})),
        metadata(
            "kubectl-rollout-restart",
            {"f:spec": {"f:template": {"f:metadata": {"f:annotations": {"f:kubectl.kubernetes.io/restartedAt": {}}}}}},
        ),
        metadata("kubectl-annotate", {"f:metadata": {"f:annotations": {".": {}, "f:kubernetes.io/change-cause": {}}}}),
    ],
)
def test_what_others_manage_or_passes_is_not_named(found: dict[str, Any]) -> None:
    assert taken_over(found) is None
