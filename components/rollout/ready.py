"""How far a rollout is, in one line. Pure."""

from collections.abc import Sequence

from components.rollout.listed import Object, condition_of, find, is_observed, new_pods, of_kind, owned
from components.rollout.reasons import is_complete
from components.rollout.workload import Workload


def progress(objects: Sequence[Object], workloads: Sequence[Workload]) -> str:
    """What each workload still waits for: `web: 1 of 3 Pods ready`."""
    return ", ".join(_of(objects, item) for item in workloads if not is_complete(objects, item))


def _of(objects: Sequence[Object], workload: Workload) -> str:
    found = find(objects, workload)
    if found is None:
        return f"{workload.name}: not there yet"
    if workload.kind == "Job":
        running = [pod for pod in owned(objects, "Pod", found) if pod.get("status", {}).get("phase") == "Running"]
        return f"{workload.name}: the Job {'runs' if running else 'starts'}"
    if not is_observed(found):
        return f"{workload.name}: the change is not observed yet"
    wanted = found["spec"].get("replicas", 1)
    if workload.kind == "DaemonSet":
        wanted = found.get("status", {}).get("desiredNumberScheduled", 0)
    new = new_pods(objects, workload, found)
    ready = sum(condition_of(pod, "Ready") is not None for pod in new)
    text = f"{workload.name}: {ready} of {wanted} Pods ready"
    if ready < wanted:
        return text
    names = {pod["metadata"]["name"] for pod in new}
    old = [pod for pod in _all_pods(objects, workload, found) if pod["metadata"]["name"] not in names]
    return f"{text}, {len(old)} of the version before end" if old else f"{text}, not served by the Service yet"


def _all_pods(objects: Sequence[Object], workload: Workload, found: Object) -> list[Object]:
    """Also those that are on their way out."""
    owners = {found["metadata"]["uid"]}
    if workload.kind == "Deployment":
        owners = {item["metadata"]["uid"] for item in owned(objects, "ReplicaSet", found)}
    return [
        pod
        for pod in of_kind(objects, "Pod")
        if any(owner["uid"] in owners for owner in pod["metadata"].get("ownerReferences") or ())
    ]
