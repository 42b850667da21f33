from typing import Any

from ops.adopt.managers import settled, without

OURS = {
    "f:metadata": {"f:labels": {"f:app": {}}},
    "f:spec": {"f:replicas": {}, "f:ports": {'k:{"port":80}': {".": {}, "f:port": {}, "f:name": {}}}},
}


def entry(manager: str, fields: Any, **more: str) -> dict[str, Any]:
    return {"manager": manager, "operation": "Update", "fieldsV1": fields, **more}


def test_a_field_of_the_stack_is_no_other_managers_any_more() -> None:
    theirs = {
        "f:metadata": {"f:labels": {".": {}, "f:app": {}}, "f:annotations": {".": {}, "f:note": {}}},
        "f:spec": {"f:ports": {".": {}, 'k:{"port":80}': {".": {}, "f:port": {}}}},
    }
    assert without(theirs, OURS) == {"f:metadata": {"f:annotations": {".": {}, "f:note": {}}}}


def test_fields_that_the_stack_does_not_set_stay_with_their_manager() -> None:
    theirs = {"f:spec": {"f:replicas": {}, "f:template": {"f:hostname": {}}}}
    entries = [entry("kubectl", theirs), entry("pulumi-kubernetes-1", OURS)]
    assert settled(entries, "pulumi-kubernetes-1") == [
        entry("kubectl", {"f:spec": {"f:template": {"f:hostname": {}}}}),
        entry("pulumi-kubernetes-1", OURS),
    ]


def test_manager_of_a_lost_state_has_nothing_and_status_is_left_alone() -> None:
    status = entry("kube-controller-manager", {"f:status": {"f:replicas": {}}}, subresource="status")
    entries = [entry("pulumi-kubernetes-0", {"f:spec": {"f:old": {}}}), entry("pulumi-kubernetes-1", OURS), status]
    assert settled(entries, "pulumi-kubernetes-1") == [entry("pulumi-kubernetes-1", OURS), status]


def test_what_is_settled_stays_as_it_is() -> None:
    entries = [entry("kubectl", {"f:spec": {"f:hostname": {}}}), entry("pulumi-kubernetes-1", OURS)]
    assert settled(entries, "pulumi-kubernetes-1") == entries
