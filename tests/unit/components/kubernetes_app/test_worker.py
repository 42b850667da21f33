import json
import subprocess
from typing import Any

from components.kubernetes_app.reasons import is_complete
from components.kubernetes_app.rollout import Rollout
from components.kubernetes_app.worker import WorkerRollout
from tests.support.kubernetes_objects import IMAGE, UNREADY, cluster, pod

READY = [{"type": "Ready", "status": "True"}]


def completes(kind: type[Rollout], *pods: dict[str, Any]) -> bool:
    """Whether a rollout whose Pods no Service leads to is complete."""

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        items = [item for item in cluster(*pods) if item["kind"] != "EndpointSlice"]
        return subprocess.CompletedProcess(arguments, 0, stdout=json.dumps({"items": items}), stderr="")

    rollout = kind(
        namespace="example",
        name="web",
        selector={"app": "web"},
        image=IMAGE,
        generation=2,
        seconds=0,
        grace=0,
        run=run,
    )
    return is_complete(rollout._objects(), IMAGE, 2)


def test_rollout_of_a_worker_is_complete_with_no_service() -> None:
    pods = [pod(name, conditions=READY) for name in ("a", "b")]
    assert completes(WorkerRollout, *pods)
    assert not completes(Rollout, *pods)


def test_rollout_of_a_worker_waits_for_every_pod_and_for_no_old_one() -> None:
    for second in (pod("b", container=UNREADY), pod("b", owner="old", conditions=READY)):
        assert not completes(WorkerRollout, pod("a", conditions=READY), second)
