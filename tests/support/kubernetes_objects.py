"""The objects of a Deployment of two Pods, as the cluster lists them."""

from typing import Any

IMAGE, BEFORE = "blog:2.0.0", "blog:1.0.0"
REVISION = "deployment.kubernetes.io/revision"
PULL = {"state": {"waiting": {"reason": "ErrImagePull", "message": "blog:2.0.0: not found"}}, "ready": False}
BACK_OFF = {"state": {"waiting": {"reason": "ImagePullBackOff", "message": "Back-off pulling"}}, "ready": False}
UNREADY = {"state": {"running": {}}, "ready": False}
READY = {"state": {"running": {}}, "ready": True}
QUOTA = 'pods "web-new-x" is forbidden: exceeded quota: small, requested: pods=1, used: pods=2, limited: pods=2'


def ended(restarts: int, **state: Any) -> dict[str, Any]:
    terminated = {"terminated": {"exitCode": 3, "reason": "Error"}}
    return {"state": state, "lastState": terminated, "ready": False, "restartCount": restarts}


def pod(name: str, owner: str = "new", container: Any = None, **status: Any) -> dict[str, Any]:
    metadata = {"name": name, "ownerReferences": [{"uid": owner}]}
    return {"kind": "Pod", "metadata": metadata, "status": {"containerStatuses": [container or READY], **status}}


def replica_set(uid: str, revision: str, **status: Any) -> dict[str, Any]:
    metadata = {"name": f"web-{uid}", "uid": uid, "annotations": {REVISION: revision}}
    return {"kind": "ReplicaSet", "metadata": metadata | {"ownerReferences": [{"uid": "web"}]}, "status": status}


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
        "metadata": {"name": "web", "uid": "web", "generation": 2, "annotations": {REVISION: "2"}},
        "spec": {
            "replicas": 2,
            "template": {"spec": {"containers": [{"name": "app", "image": image, "readinessProbe": {}}]}},
        },
        "status": counts | status,
    }
    slices = {
        "kind": "EndpointSlice",
        "metadata": {"labels": {"kubernetes.io/service-name": "web"}},
        "endpoints": [{"targetRef": {"name": name}, "conditions": {"ready": True}} for name in ready],
    }
    sets = [replica_set("old", "1"), replica_set("new", "2", conditions=list(conditions))]
    return [deployment, slices, *sets, *(more or (pod("a"), pod("b")))]
