from dataclasses import replace
from typing import Any

import pytest

from components.rollout.reasons import is_complete, reasons
from components.rollout.workload import Workload
from tests.support.kubernetes_objects import (
    BACK_OFF,
    BEFORE,
    IMAGE,
    PULL,
    QUOTA,
    UNREADY,
    cluster,
    ended,
    pod,
)

WEB = Workload(name="web", images={"app": IMAGE}, generation=7, services=("web",))


def test_rollout_is_complete_if_every_pod_is_new_and_an_endpoint() -> None:
    assert is_complete(cluster(), WEB)


@pytest.mark.parametrize(
    "objects",
    [
        [],
        cluster(image=BEFORE),
        cluster(observed=1),
        cluster(updatedReplicas=1),
        cluster(availableReplicas=1),
        cluster(replicas=3),
        cluster(ready=("a",)),
        cluster(ready=("a", "of-the-old-set")),
    ],
)
def test_rollout_is_not_complete_before(objects: list[dict[str, Any]]) -> None:
    assert not is_complete(objects, WEB)


@pytest.mark.parametrize(
    ("container", "expected", "final"),
    [
        (PULL, "Pod x: its image cannot be pulled: blog:2.0.0: not found", True),
        (BACK_OFF, "Pod x: its image cannot be pulled: Back-off pulling", True),
        (ended(0, running={}), "Pod x: its container exits with code 3 (Error)", False),
        (ended(1, waiting={"reason": "CrashLoopBackOff"}), "Pod x: its container exits with code 3 (Error)", True),
        (ended(2, running={}), "Pod x: its container exits with code 3 (Error)", True),
        (UNREADY, "Pod x: its container runs and is not ready", False),
    ],
)
def test_reason_of_a_container_is_reported(container: dict[str, Any], expected: str, *, final: bool) -> None:
    [reason] = reasons(cluster(pod("x", container=container)), WEB)
    assert (reason.text, reason.final, reason.pod) == (expected, final, "x")


def test_quota_and_a_cluster_that_is_full_are_reported() -> None:
    failure = {"type": "ReplicaFailure", "status": "True", "message": QUOTA}
    [reason] = reasons(cluster(pod("x"), conditions=(failure,)), WEB)
    assert (reason.text, reason.final) == (f"No Pod can be created: {QUOTA}", True)
    full = {"type": "PodScheduled", "reason": "Unschedulable", "message": "0/1 nodes are available"}
    [reason] = reasons(cluster(pod("x", conditions=[full])), WEB)
    assert (reason.text, reason.final) == ("Pod x cannot be scheduled: 0/1 nodes are available", False)


def test_pods_of_the_version_before_and_those_that_go_are_no_reason() -> None:
    going = pod("y", container=PULL)
    going["metadata"]["deletionTimestamp"] = "2026-11-24T11:00:00Z"
    assert reasons(cluster(pod("x", owner="old", container=PULL), going), WEB) == []


def test_message_of_the_cluster_is_shown_without_escape_sequences() -> None:
    waiting = {"reason": "ErrImagePull", "message": "\x1b[2Jregistry\nsays: \x1b]0;x\x07no"}
    [reason] = reasons(cluster(pod("x", container={"state": {"waiting": waiting}, "ready": False})), WEB)
    assert reason.text == "Pod x: its image cannot be pulled: registry says: no"


def test_worker_needs_no_service_that_leads_to_its_pods() -> None:
    objects = cluster(ready=())
    assert not is_complete(objects, WEB)
    assert is_complete(objects, replace(WEB, services=()))
