import subprocess
from typing import Any

import pulumi
import pytest

from components.cluster import check as cluster_check
from components.cluster.ownership import STACK_ID
from components.cluster.planned import Planned, planned
from components.cluster.reading import Reading
from components.outputs import ClusterOutput
from tests.support.cluster_reading import FORBIDDEN, SERVER, check, found, stack
from tests.support.recorder import deploy

THERE: ClusterOutput[str] = {"name": "prod", "server": "https://there:6443", "uid": "1", "namespaceUid": "2"}


def in_the_way(*items: dict[str, Any], uids: frozenset[str] = frozenset()) -> list[str]:
    found = cluster_check.foreign(planned(stack()), check(*items), "own", lambda: uids)
    return [f"{item} {cluster_check.owner_of(metadata)}; {item.remedy}" for item, metadata in found]


def test_what_exists_without_the_id_is_listed_with_its_owner_and_the_way_out() -> None:
    helm = {"app.kubernetes.io/managed-by": "Helm"}
    fields = [{"manager": "kubectl-create"}, {"manager": "kubectl"}]
    assert in_the_way(
        found("Namespace", "shop", None, managedFields=fields),
        found("ServiceAccount", "robot", labels=helm),
        found("RoleBinding", "robot-admin", labels={STACK_ID: "another"}),
        found("Secret", "robot-token-1", labels={STACK_ID: "own"}),
        found("Deployment", "till"),
    ) == [
        "Namespace shop was made on 2026-11-01T08:00:00Z, by kubectl-create; set access.createNamespace to false to "
        "use it as it is, or name another access.namespace",
        "ServiceAccount shop/robot was made on 2026-11-01T08:00:00Z, managed by Helm; name another "
        "access.serviceAccount",
        "RoleBinding shop/robot-admin was made on 2026-11-01T08:00:00Z, in the stack with the id another; name another "
        "access.serviceAccount",
    ]


def test_the_very_object_of_the_state_is_the_stacks_own_without_its_label() -> None:
    account = found("ServiceAccount", "robot")
    assert in_the_way(account, uids=frozenset({"ServiceAccount-robot"})) == []
    assert len(in_the_way(account, uids=frozenset({"of one that was deleted since"}))) == 1


def test_a_kind_of_another_group_is_another_one_though_it_has_the_same_name() -> None:
    version = "serving.knative.dev/v1"
    wanted = [Planned(api_version=version, kind="Service", namespace="shop", name="web", remedy="")]
    knative = found("Service", "web", labels={STACK_ID: "own"}) | {"apiVersion": version}
    made_for_it = found("Service", "web")
    assert cluster_check.foreign(wanted, check(knative, made_for_it), "own", frozenset) == []
    job = found("Job", "migrate") | {"status": {"conditions": [{"type": "Failed", "status": "True"}]}}
    assert list(check(job).failed_jobs) == ["migrate"]
    assert check(job | {"apiVersion": "batch.volcano.sh/v1alpha1"}).failed_jobs == {}


def test_what_is_being_deleted_is_listed_though_it_is_the_stacks_own() -> None:
    since: dict[str, Any] = {"deletionTimestamp": "2026-11-02T08:00:00Z", "labels": {STACK_ID: "own"}}
    seen = check(
        found("Namespace", "shop", None, **since),
        found("Secret", "robot-token-1", **since),
        found("ServiceAccount", "robot", labels={STACK_ID: "own"}),
        found("Deployment", "till", **since),
    )
    listed = ["Namespace shop, since 2026-11-02T08:00:00Z", "Secret shop/robot-token-1, since 2026-11-02T08:00:00Z"]
    assert cluster_check.being_deleted(planned(stack()), seen, "shop") == listed
    not_made = planned(stack(createNamespace=False))
    assert cluster_check.being_deleted(not_made, seen, "shop") == listed


def test_a_namespace_of_somebody_else_is_not_planned() -> None:
    kinds = [item.kind for item in planned(stack(createNamespace=False))]
    assert kinds == ["ServiceAccount", "RoleBinding", "Secret"]


@pytest.mark.parametrize(
    ("system", "namespace", "name", "is_moved"),
    [
        ("1", "2", "prod", False),
        # Made anew by hand, on the same cluster.
        ("1", "9", "prod", False),
        ("9", "2", "prod", True),
        ("9", "9", "new-name", False),
        (None, "2", "prod", False),
        (None, "9", "prod", True),
        (None, None, "prod", False),
    ],
)
def test_another_cluster_under_the_same_name_is_refused(
    system: str | None, namespace: str | None, name: str, is_moved: bool
) -> None:
    items = [
        found("Namespace", name, None, uid=uid) for name, uid in (("kube-system", system), ("shop", namespace)) if uid
    ]
    said = cluster_check.moved(THERE, check(*items), name, "shop")
    assert (said is not None) is is_moved
    if said:
        assert SERVER in said
        assert THERE["server"] in said
        assert "pulumi config set gitlab-deploy:cluster NEWNAME" in said


def test_what_a_run_may_not_read_of_the_cluster_stays_as_it_was_known() -> None:
    assert cluster_check.output("prod", None, THERE, "shop").items() == THERE.items()
    assert cluster_check.output("prod", check(stderr=FORBIDDEN, code=1), THERE, "shop").items() == THERE.items()
    seen = check(found("Namespace", "kube-system", None, uid="9"))
    new = {"name": "new-name", "server": SERVER, "uid": "9", "namespaceUid": None}
    assert dict(cluster_check.output("new-name", seen, THERE, "shop")) == new


def test_a_preview_without_kubectl_goes_on_and_a_deployment_does_not() -> None:
    def run(*_: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        raise FileNotFoundError(stdin)

    def program() -> None:
        assert cluster_check.require(stack(), "own", None, reading=Reading(stack(), run)) is None

    deploy(program, preview=True)
    with pytest.raises(pulumi.RunError, match="there is no kubectl on PATH"):
        deploy(program)


def test_a_first_run_that_may_not_create_its_namespace_is_refused() -> None:
    asked: list[tuple[str, ...]] = []

    def run(*arguments: str, **_: str) -> subprocess.CompletedProcess[str]:
        asked.append(arguments)
        code = 1 if arguments[0] == "auth" else 0
        return subprocess.CompletedProcess(
            arguments, code, stdout=SERVER if arguments[0] == "config" else "", stderr=""
        )

    with pytest.raises(pulumi.RunError, match=f"may not create the namespace shop at {SERVER}; choose another context"):
        cluster_check.require(stack(), "own", None, reading=Reading(stack(), run))
    assert ("auth", "can-i", "create", "namespaces", "--quiet") in asked
    other: ClusterOutput[str] = {**THERE, "name": "another"}
    assert cluster_check.require(stack(), "own", other, reading=Reading(stack(), run))
