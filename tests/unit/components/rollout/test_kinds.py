"""StatefulSets, DaemonSets and Jobs: when they are complete, and what is reported if they are not."""

from typing import Any

import pytest

from components.rollout.reasons import is_complete, reasons
from components.rollout.workload import Workload
from tests.support.kubernetes_objects import READY, UNREADY, ended

STORE = Workload(kind="StatefulSet", name="store", images={"a": "i:2"}, services=("store",), where="k8s.yml:7")
AGENT = Workload(kind="DaemonSet", name="agent", images={"a": "i:2"}, where="k8s.yml:30")
JOB = Workload(kind="Job", name="migrate", images={"a": "i:2"}, where="k8s.yml:50")


def owned(kind: str, name: str, by: str, **more: Any) -> dict[str, Any]:
    metadata = {"name": name, "uid": name, "ownerReferences": [{"uid": by}]} | more.pop("metadata", {})
    return {"kind": kind, "metadata": metadata, **more}


def pod(name: str, by: str, revision: str, container: Any = READY, **status: Any) -> dict[str, Any]:
    labels = {"controller-revision-hash": revision}
    return owned("Pod", name, by, metadata={"labels": labels}, status={"containerStatuses": [container]} | status)


def template(image: str = "i:2") -> dict[str, Any]:
    return {"spec": {"containers": [{"name": "a", "image": image}]}}


def stateful(*pods: dict[str, Any], strategy: Any = None, **status: Any) -> list[dict[str, Any]]:
    spec = {"replicas": 2, "template": template(), "updateStrategy": strategy or {"type": "RollingUpdate"}}
    counts = {"observedGeneration": 2, "replicas": 2, "updatedReplicas": 2, "availableReplicas": 2} | status
    metadata = {"name": "store", "uid": "store", "generation": 2}
    names = [item["metadata"]["name"] for item in pods]
    endpoints = [{"targetRef": {"name": name}, "conditions": {"ready": True}} for name in names]
    return [
        {"kind": "StatefulSet", "metadata": metadata, "spec": spec, "status": counts},
        owned("ControllerRevision", "store-1", "store", revision=1),
        owned("ControllerRevision", "store-2", "store", revision=2),
        {
            "kind": "EndpointSlice",
            "metadata": {"labels": {"kubernetes.io/service-name": "store"}},
            "endpoints": endpoints,
        },
        *pods,
    ]


def daemons(*pods: dict[str, Any], **status: int) -> list[dict[str, Any]]:
    counts = {"desiredNumberScheduled": 1, "currentNumberScheduled": 1, "updatedNumberScheduled": 1} | status
    metadata = {"name": "agent", "uid": "agent", "generation": 1}
    item = {"kind": "DaemonSet", "metadata": metadata, "spec": {"template": template()}}
    revision = owned("ControllerRevision", "agent-x", "agent", revision=1)
    revision["metadata"]["labels"] = {"controller-revision-hash": "x"}
    return [item | {"status": {"observedGeneration": 1, "numberAvailable": 1} | counts}, revision, *pods]


def job(*pods: dict[str, Any], **condition: str) -> list[dict[str, Any]]:
    metadata = {"name": "migrate", "uid": "migrate", "generation": 1}
    conditions = [{"status": "True"} | condition] if condition else []
    spec = {"template": template()}
    return [{"kind": "Job", "metadata": metadata, "spec": spec, "status": {"conditions": conditions}}, *pods]


NEW = (pod("store-0", "store", "store-2"), pod("store-1", "store", "store-2"))


@pytest.mark.parametrize(
    ("objects", "workload", "complete"),
    [
        (stateful(*NEW), STORE, True),
        (stateful(NEW[0], pod("store-1", "store", "store-1")), STORE, False),
        (stateful(*NEW, updatedReplicas=1), STORE, False),
        (stateful(*NEW, availableReplicas=1), STORE, False),
        (stateful(*NEW, observedGeneration=1), STORE, False),
        # Nobody replaces these Pods but whoever deletes them.
        (stateful(*NEW, strategy={"type": "OnDelete"}, updatedReplicas=0), STORE, True),
        (daemons(pod("agent-1", "agent", "x")), AGENT, True),
        (daemons(pod("agent-1", "agent", "x"), updatedNumberScheduled=0), AGENT, False),
        (daemons(desiredNumberScheduled=0, currentNumberScheduled=0, updatedNumberScheduled=0, numberAvailable=0),
         AGENT, True),
        (job(type="Complete"), JOB, True),
        (job(type="Failed"), JOB, False),
        (job(), JOB, False),
    ],
)  # fmt: skip
def test_workload_is_complete_when_its_controller_says_so(
    objects: list[dict[str, Any]], workload: Workload, *, complete: bool
) -> None:
    assert is_complete(objects, workload) is complete


@pytest.mark.parametrize(
    ("objects", "workload", "text", "final"),
    [
        (
            stateful(NEW[0], pod("store-1", "store", "store-2", ended(2, running={}))),
            STORE,
            "StatefulSet store (k8s.yml:7): Pod store-1: its container exits with code 3 (Error)",
            True,
        ),
        (
            stateful(NEW[0], pod("store-1", "store", "store-1", UNREADY), updatedReplicas=1),
            STORE,
            "StatefulSet store (k8s.yml:7): Pod store-1 of the version before is not ready, and a StatefulSet does not "
            "replace such a one; delete it with 'kubectl delete pod store-1'",
            True,
        ),
        (
            daemons(pod("agent-1", "agent", "x", UNREADY), numberAvailable=0),
            AGENT,
            "DaemonSet agent (k8s.yml:30): Pod agent-1: its container runs and is not ready",
            False,
        ),
        (
            job(pod("migrate-1", "migrate", "", ended(0)), type="Failed", message="BackoffLimitExceeded"),
            JOB,
            "Job migrate (k8s.yml:50) has failed: BackoffLimitExceeded",
            True,
        ),
        # A Job tries again.
        (
            job(pod("migrate-1", "migrate", "", ended(3, running={}))),
            JOB,
            "Job migrate (k8s.yml:50): Pod migrate-1: its container exits with code 3 (Error)",
            False,
        ),
        ([], JOB, "Job migrate (k8s.yml:50) does not exist; 'pulumi up --refresh' creates it again", True),
    ],
)
def test_reason_names_the_object_and_where_it_is_written(
    objects: list[dict[str, Any]], workload: Workload, text: str, *, final: bool
) -> None:
    [reason] = reasons(objects, workload)
    assert (reason.text, reason.final) == (text, final)


def test_container_that_runs_before_the_others_is_a_reason_until_it_has_succeeded() -> None:
    waiting = {"state": {"waiting": {"reason": "PodInitializing"}}, "ready": False}
    failing = pod("agent-1", "agent", "x", waiting, initContainerStatuses=[ended(2, waiting={}) | {"name": "wait"}])
    [reason] = reasons(daemons(failing, numberAvailable=0), AGENT)
    assert (reason.container, reason.kind) == ("wait", "ends")
    done = {"state": {"terminated": {"exitCode": 0}}, "ready": True, "name": "wait"}
    after = pod("agent-1", "agent", "x", UNREADY, initContainerStatuses=[done])
    [reason] = reasons(daemons(after, numberAvailable=0), AGENT)
    assert reason.kind == "unready"


def test_pod_that_is_refused_is_reported_from_the_events_of_its_controller() -> None:
    message = 'pods "store-0" is forbidden: violates PodSecurity "restricted:v1.35": runAsNonRoot != true'
    event = {"kind": "Event", "reason": "FailedCreate", "message": message, "involvedObject": {"uid": "store"}}
    [reason] = reasons([*stateful(updatedReplicas=0), event], STORE)
    assert reason.text == (
        f"StatefulSet store (k8s.yml:7): No Pod can be created: {message}; change the Pod's securityContext, or the "
        "level of the namespace (access.podSecurity)"
    )


def test_service_may_lead_to_pods_of_another_workload_too() -> None:
    other = pod("canary-1", "canary", "")
    objects = stateful(*NEW, other)
    assert is_complete(objects, STORE)
    # Of a Pod that is no more.
    objects[3]["endpoints"].append({"targetRef": {"name": "store-9"}, "conditions": {"ready": True}})
    assert not is_complete(objects, STORE)
