import asyncio
import json
import subprocess
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from components.kubernetes_app.rollout import CAUSE, BrokenError, Rollout, RolloutError, is_complete, reasons

IMAGE, BEFORE = "blog:2.0.0", "blog:1.0.0"
REVISION = "deployment.kubernetes.io/revision"
PULL = {"state": {"waiting": {"reason": "ErrImagePull", "message": "blog:2.0.0: not found"}}, "ready": False}
BACK_OFF = {"state": {"waiting": {"reason": "ImagePullBackOff", "message": "Back-off pulling"}}, "ready": False}
UNREADY = {"state": {"running": {}}, "ready": False}
READY = {"state": {"running": {}}, "ready": True}
QUOTA = 'pods "web-new-x" is forbidden: exceeded quota: small, requested: pods=1, used: pods=2, limited: pods=2'
waited_for = Rollout.wait
"""Before a fixture takes it away."""


def ended(restarts: int, **state: Any) -> dict[str, Any]:
    terminated = {"terminated": {"exitCode": 3, "reason": "Error"}}
    return {"state": state, "lastState": terminated, "ready": False, "restartCount": restarts}


def pod(name: str, owner: str = "new", container: Any = None, **status: Any) -> dict[str, Any]:
    metadata = {"name": name, "ownerReferences": [{"uid": owner}]}
    return {"kind": "Pod", "metadata": metadata, "status": {"containerStatuses": [container or READY], **status}}


def replica_set(uid: str, revision: str, **status: Any) -> dict[str, Any]:
    return {"kind": "ReplicaSet", "metadata": {"uid": uid, "annotations": {REVISION: revision}}, "status": status}


def cluster(
    *more: dict[str, Any],
    image: str = IMAGE,
    ready: tuple[str, ...] = ("a", "b"),
    observed: int = 2,
    conditions: tuple[Any, ...] = (),
    **status: int,
) -> list[dict[str, Any]]:
    """A Deployment of two Pods whose rollout is complete, but for what a test changes."""
    counts = {"replicas": 2, "updatedReplicas": 2, "availableReplicas": 2, "observedGeneration": observed}
    deployment = {
        "kind": "Deployment",
        "metadata": {"generation": 2, "annotations": {REVISION: "2"}},
        "spec": {"replicas": 2, "template": {"spec": {"containers": [{"image": image}]}}},
        "status": counts | status,
    }
    slices = {
        "kind": "EndpointSlice",
        "endpoints": [{"targetRef": {"name": name}, "conditions": {"ready": True}} for name in ready],
    }
    sets = [replica_set("old", "1"), replica_set("new", "2", conditions=list(conditions))]
    return [deployment, slices, *sets, *(more or (pod("a"), pod("b")))]


def test_rollout_is_complete_when_every_pod_is_new_and_behind_the_service() -> None:
    assert is_complete(cluster(), IMAGE)


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
    assert not is_complete(objects, IMAGE)


@pytest.mark.parametrize(
    ("container", "expected", "final"),
    [
        (PULL, "Pod x: its image cannot be pulled: blog:2.0.0: not found", True),
        (BACK_OFF, "Pod x: its image cannot be pulled: Back-off pulling", True),
        (ended(0, running={}), "Pod x: its container ends with exit code 3 (Error)", False),
        (ended(1, waiting={"reason": "CrashLoopBackOff"}), "Pod x: its container ends with exit code 3 (Error)", True),
        (ended(2, running={}), "Pod x: its container ends with exit code 3 (Error)", True),
        (UNREADY, "Pod x: its container runs and is not ready", False),
    ],
)
def test_reason_of_a_container_is_told(container: dict[str, Any], expected: str, *, final: bool) -> None:
    [reason] = reasons(cluster(pod("x", container=container)), IMAGE)
    assert (reason.text, reason.final, reason.pod) == (expected, final, "x")


def test_quota_and_a_cluster_that_is_full_are_told() -> None:
    failure = {"type": "ReplicaFailure", "status": "True", "message": QUOTA}
    [reason] = reasons(cluster(pod("x"), conditions=(failure,)), IMAGE)
    assert (reason.text, reason.final) == (f"No Pod can be made: {QUOTA}", True)
    full = {"type": "PodScheduled", "reason": "Unschedulable", "message": "0/1 nodes are available"}
    [reason] = reasons(cluster(pod("x", conditions=[full])), IMAGE)
    assert (reason.text, reason.final) == ("Pod x finds no node: 0/1 nodes are available", False)


def test_pods_of_the_version_before_and_those_that_go_are_no_reason() -> None:
    going = pod("y", container=PULL)
    going["metadata"]["deletionTimestamp"] = "2026-11-24T11:00:00Z"
    assert reasons(cluster(pod("x", owner="old", container=PULL), going), IMAGE) == []


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """The time, which only sleeping moves."""
    now = [0.0]

    async def sleep(seconds: float) -> None:
        now[0] += seconds

    with monkeypatch.context() as patch:
        patch.setattr(time, "monotonic", lambda: now[0])
        patch.setattr("components.kubernetes_app.rollout.asyncio.sleep", sleep)
        yield now


def answering(at: Callable[[], list[dict[str, Any]]]) -> Callable[..., subprocess.CompletedProcess[str]]:
    """kubectl on a cluster that is as `at` says."""
    event = {"message": "Readiness probe failed: 503", "lastTimestamp": "2026-11-24T11:00:00Z"}

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        answers = {"get": {"items": at()}, "events": {"items": [event]}}
        text = (
            "first\nlast words\n" if arguments[0] == "logs" else json.dumps(answers.get(arguments[1], answers["get"]))
        )
        return subprocess.CompletedProcess(arguments, 0, stdout=text, stderr="")

    return run


def wait(at: Callable[[], list[dict[str, Any]]], seconds: int = 60) -> list[str]:
    """Waits for the rollout, and gives what was told meanwhile."""
    told: list[str] = []
    rollout = Rollout(namespace="example", name="web", image=IMAGE, seconds=seconds, grace=16, run=answering(at))
    asyncio.run(waited_for(rollout, told.append))
    return told


def test_wait_ends_when_the_rollout_is_complete(clock: list[float]) -> None:
    assert wait(lambda: cluster() if clock[0] > 5 else cluster(pod("a", container=UNREADY), availableReplicas=0)) == []
    assert clock[0] == 6


def test_broken_rollout_ends_the_wait_within_seconds_with_reason_events_and_log(clock: list[float]) -> None:
    with pytest.raises(BrokenError) as broken:
        # The kubelet tells the two in turn.
        wait(lambda: cluster(pod("x", container=PULL if clock[0] % 2 else BACK_OFF), availableReplicas=0))
    assert str(broken.value).splitlines() == [
        "The rollout of example/web to blog:2.0.0 has failed after 16 s:",
        "  Pod x: its image cannot be pulled: Back-off pulling",
        "    event: Readiness probe failed: 503",
        "    log: first",
        "    log: last words",
    ]


@pytest.mark.parametrize("grace", [2, 30])
def test_a_reason_ends_the_wait_once_it_has_lasted_for_the_grace_period(clock: list[float], grace: int) -> None:
    broken = answering(lambda: cluster(pod("x", container=PULL), availableReplicas=0))
    rollout = Rollout(namespace="example", name="web", image=IMAGE, seconds=60, grace=grace, run=broken)
    with pytest.raises(BrokenError, match=f"has failed after {grace} s:"):
        asyncio.run(waited_for(rollout, print))
    assert clock[0] == grace


def test_reason_that_goes_away_is_forgotten(clock: list[float]) -> None:
    def at() -> list[dict[str, Any]]:
        container = PULL if clock[0] in {0, 1, 2, 3, 10, 11, 12, 13} else UNREADY
        return cluster() if clock[0] > 16 else cluster(pod("x", container=container), availableReplicas=0)

    wait(at)
    assert clock[0] == 17


def test_what_time_may_mend_is_told_once_and_ends_the_wait_with_its_time(clock: list[float]) -> None:
    told: list[str] = []
    at = answering(lambda: cluster(pod("x", container=UNREADY), availableReplicas=0))
    rollout = Rollout(namespace="example", name="web", image=IMAGE, seconds=30, grace=16, run=at)
    with pytest.raises(RolloutError, match=r"(?s)has failed after 30 s:\n  Pod x: its container runs and is not ready"):
        asyncio.run(waited_for(rollout, told.append))
    assert told == ["Pod x: its container runs and is not ready; waiting for 30 s at most"]
    assert clock[0] == 30


@pytest.mark.parametrize(
    ("objects", "expected"),
    [
        ([], "after 16 s:\n  There is no such Deployment; 'pulumi up --refresh' makes it again"),
        (
            cluster(image=BEFORE),
            "after 16 s:\n  The Deployment was given the image blog:1.0.0 by hand; 'pulumi up --ref",
        ),
        (cluster(availableReplicas=1), "after 30 s:\n  Its Pods are not all there yet; see 'kubectl describe pods'"),
    ],
)
def test_rollout_without_broken_pods_tells_why_it_has_failed(
    clock: list[float], objects: list[dict[str, Any]], expected: str
) -> None:
    with pytest.raises(RolloutError) as broken:
        wait(lambda: objects, seconds=30)
    assert expected in str(broken.value)
    # What was changed by hand is not for us to put back.
    assert isinstance(broken.value, BrokenError) is (clock == [30])


def test_cluster_that_does_not_answer_for_a_moment_is_asked_again(clock: list[float]) -> None:
    there = answering(cluster)

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        if clock[0] in {0, 1, 2}:
            return subprocess.CompletedProcess(arguments, 1, stdout="", stderr="connection refused")
        return there(*arguments)

    asyncio.run(waited_for(Rollout(namespace="example", name="web", image=IMAGE, seconds=60, grace=16, run=run), print))
    assert clock == [3]


def test_cluster_that_does_not_tell_is_one_sentence(clock: list[float]) -> None:
    def refuse(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess(arguments, 1, stdout="", stderr="Error from server (Forbidden): pods\n")

    rollout = Rollout(namespace="example", name="web", image=IMAGE, seconds=5, grace=16, run=refuse)
    with pytest.raises(
        RolloutError, match=r"example/web cannot be watched: Error from server \(Forbidden\): pods; see"
    ):
        asyncio.run(waited_for(rollout, print))
    assert clock == [16]


def commands(failing: str = "") -> tuple[Rollout, list[tuple[str, ...]]]:
    """A rollout, and what kubectl is told; the command `failing` fails."""
    told: list[tuple[str, ...]] = []

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        told.append(arguments)
        failed = failing in arguments
        return subprocess.CompletedProcess(
            arguments, int(failed), stdout="", stderr="error: no rollout history found\n"
        )

    return Rollout(namespace="example", name="web", image=IMAGE, seconds=30, grace=16, run=run), told


def test_version_before_is_put_back_and_the_deployment_tells_why() -> None:
    rollout, told = commands()
    assert asyncio.run(rollout.put_back()) == "The version before was put back"
    why = "put back after the rollout of blog:2.0.0 had failed"
    assert told == [
        ("rollout", "undo", "deployment/web", "--namespace", "example"),
        ("annotate", "--overwrite", "deployment/web", "--namespace", "example", f"{CAUSE}={why}"),
        ("rollout", "status", "deployment/web", "--namespace", "example", "--timeout=30s"),
    ]
    objects = cluster(image=BEFORE)
    objects[0]["metadata"]["annotations"][CAUSE] = why
    [reason] = reasons(objects, IMAGE)
    assert reason.text == (
        f"The Deployment runs {BEFORE}, {why}; deploy another image, or try again with 'pulumi up --refresh'"
    )


def test_version_before_that_is_not_there_is_told() -> None:
    rollout, told = commands(failing="undo")
    assert asyncio.run(rollout.put_back()) == (
        "The version before could not be put back: error: no rollout history found"
    )
    assert len(told) == 1
