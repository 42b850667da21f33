from typing import Any

from ops.adopt.managers import released

OWN = "pulumi-kubernetes-1"


def entry(manager: str, operation: str = "Update", **more: str) -> dict[str, Any]:
    return {"manager": manager, "operation": operation, "fieldsV1": {"f:spec": {}}, **more}


def test_who_made_it_by_hand_or_with_a_lost_state_gets_names_that_can_be_applied() -> None:
    entries = [entry("kubectl-client-side-apply"), entry(OWN, "Apply"), entry("pulumi-kubernetes-0", "Apply")]
    changed, names = released(entries, OWN)
    assert names == ["gitlab-deploy-adopt-0", "gitlab-deploy-adopt-1"]
    assert changed == [entry(names[0], "Apply"), entry(OWN, "Apply"), entry(names[1], "Apply")]


def test_what_a_killed_run_has_renamed_is_released_again() -> None:
    changed, names = released([entry("gitlab-deploy-adopt-1", "Apply")], OWN)
    assert changed == [entry(names[0], "Apply")]


def test_controllers_and_other_tools_keep_their_fields() -> None:
    entries = [entry("kubectl", subresource="scale"), entry("kube-controller-manager"), entry("helm"), entry(OWN)]
    assert released(entries, OWN) == (entries, [])
