"""How far a rollout is, in the line that a run shows while it waits."""

from typing import Any

from components.rollout.ready import progress
from components.rollout.workload import Workload
from tests.support.kubernetes_objects import IMAGE, cluster, pod

WEB = Workload(name="web", images={"app": IMAGE}, services=("web",))
READY = [{"type": "Ready", "status": "True"}]


def owner(kind: str, **parts: Any) -> dict[str, Any]:
    pods = {"template": {"spec": {"containers": [{"name": "app", "image": IMAGE}]}}}
    return {
        "kind": kind,
        "metadata": {"name": "web", "uid": "web", "generation": 1},
        "spec": pods,
        "status": {"observedGeneration": 1} | parts,
    }


def test_pods_that_are_ready_are_counted() -> None:
    objects = cluster(pod("a", conditions=READY), pod("b"), pod("o", owner="old"), availableReplicas=1)
    assert progress(objects, [WEB]) == "web: 1 of 2 Pods ready"


def test_pods_of_the_version_before_are_counted_until_they_are_gone() -> None:
    going = pod("o", owner="old")
    going["metadata"]["deletionTimestamp"] = "2026-11-01T08:00:00Z"
    ready = [pod("a", conditions=READY), pod("b", conditions=READY)]
    assert progress(cluster(*ready, going, replicas=3), [WEB]) == "web: 2 of 2 Pods ready, 1 of the version before end"
    assert progress(cluster(*ready, ready=("a",)), [WEB]) == "web: 2 of 2 Pods ready, not served by the Service yet"


def test_a_workload_that_is_complete_is_not_mentioned() -> None:
    assert progress(cluster(), [WEB]) == ""
    assert progress(cluster(), [WEB, Workload(name="queue", images={})]) == "queue: not there yet"


def test_a_change_that_nobody_has_seen_yet_is_not_counted() -> None:
    assert progress(cluster(observed=1), [WEB]) == "web: the change is not observed yet"


def test_a_daemon_set_is_counted_by_the_nodes_it_is_for() -> None:
    agent = Workload(kind="DaemonSet", name="web", images={"app": IMAGE})
    assert progress([owner("DaemonSet", desiredNumberScheduled=5)], [agent]) == "web: 0 of 5 Pods ready"


def test_a_job_starts_and_runs() -> None:
    job = Workload(kind="Job", name="web", images={"app": IMAGE})
    assert progress([owner("Job")], [job]) == "web: the Job starts"
    assert progress([owner("Job"), pod("a", owner="web", phase="Running")], [job]) == "web: the Job runs"
