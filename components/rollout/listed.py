"""The objects of a workload, among those that the cluster lists. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from components.rollout.workload import Workload

Object = Mapping[str, Any]
"""An object as `kubectl get --output json` lists it."""

_REVISION = "deployment.kubernetes.io/revision"
_SERVICE = "kubernetes.io/service-name"


def leads(objects: Sequence[Object], service: str, new: set[str]) -> bool:
    """Whether a Service leads to all new Pods, and to none that they replace.

    Pods of another workload that it leads to as well exist; an endpoint whose Pod does not exist is an old one.
    """
    tops = {pod["metadata"]["name"]: _top(objects, pod) for pod in of_kind(objects, "Pod")}
    replaced = {tops[name] for name in new}
    ready = {
        endpoint["targetRef"]["name"]
        for item in of_kind(objects, "EndpointSlice")
        if item["metadata"]["labels"].get(_SERVICE) == service
        for endpoint in item.get("endpoints") or []
        if endpoint.get("conditions", {}).get("ready") and endpoint.get("targetRef")
    }
    return new <= ready and all(name in tops and tops[name] not in replaced for name in ready - new)


def _top(objects: Sequence[Object], item: Object) -> str:
    """The uid of the workload that a Pod belongs to; its own if it belongs to none."""
    above = {found["metadata"]["uid"]: found for found in of_kind(objects, "ReplicaSet")}
    uid = next((owner["uid"] for owner in item["metadata"].get("ownerReferences") or []), item["metadata"]["name"])
    return _top(objects, above[uid]) if uid in above else uid


def new_pods(objects: Sequence[Object], workload: Workload, found: Object) -> list[Object]:
    """The Pods of the newest revision that are not on their way out."""
    revision = revision_of(objects, workload, found)
    if revision is None:
        return []
    if revision["kind"] == "ReplicaSet":
        return owned(objects, "Pod", revision)
    mark = (revision["metadata"].get("labels") or {}).get("controller-revision-hash")
    return [
        pod
        for pod in owned(objects, "Pod", found)
        if (pod["metadata"].get("labels") or {}).get("controller-revision-hash") in (mark, revision["metadata"]["name"])
    ]


def revision_of(objects: Sequence[Object], workload: Workload, found: Object) -> Object | None:
    """What holds the newest revision: a ReplicaSet, or a ControllerRevision."""
    if workload.kind == "Deployment":
        revision = (found["metadata"].get("annotations") or {}).get(_REVISION)
        sets = owned(objects, "ReplicaSet", found)
        return next(
            (item for item in sets if (item["metadata"].get("annotations") or {}).get(_REVISION) == revision), None
        )
    return max(owned(objects, "ControllerRevision", found), key=lambda item: int(item["revision"]), default=None)


def is_observed(found: Object) -> bool:
    """Whether its controller has observed what was declared."""
    return bool(found.get("status", {}).get("observedGeneration", 0) >= found["metadata"]["generation"])


def leaves_pods(spec: Object) -> bool:
    """Whether Pods of a StatefulSet or DaemonSet stay as they are until somebody acts."""
    strategy = spec.get("updateStrategy") or {}
    return strategy.get("type") == "OnDelete" or bool((strategy.get("rollingUpdate") or {}).get("partition"))


def changed_container(found: Object, workload: Workload) -> str | None:
    """A container that has not the image that was declared; others that somebody has added are theirs."""
    runs = images_of(found)
    return next((name for name, image in workload.images.items() if runs.get(name) != image), None)


def images_of(found: Object) -> Mapping[str, str]:
    """The images of its Pods' containers, by the container's name."""
    pod = found["spec"]["template"]["spec"]
    return {item["name"]: item["image"] for key in ("containers", "initContainers") for item in pod.get(key) or []}


def condition_of(found: Object, kind: str) -> Object | None:
    """A condition that holds."""
    conditions = found.get("status", {}).get("conditions") or []
    return next((item for item in conditions if item["type"] == kind and item["status"] == "True"), None)


def find(objects: Sequence[Object], workload: Workload) -> Object | None:
    """The workload itself; None if it does not exist."""
    return next((item for item in of_kind(objects, workload.kind) if item["metadata"]["name"] == workload.name), None)


def owned(objects: Sequence[Object], kind: str, owner: Object) -> list[Object]:
    """What belongs to an object, and is not on its way out."""
    return [
        item
        for item in of_kind(objects, kind)
        if "deletionTimestamp" not in item["metadata"]
        and any(
            reference["uid"] == owner["metadata"]["uid"] for reference in item["metadata"].get("ownerReferences") or []
        )
    ]


def of_kind(objects: Sequence[Object], kind: str) -> list[Object]:
    """All of a kind."""
    return [item for item in objects if item["kind"] == kind]


def is_probed(objects: Sequence[Object], workload: Workload) -> bool:
    """Whether nothing of it is ready only because it runs: each container has a readiness probe, or it is a Job."""
    found = find(objects, workload)
    if found is None or workload.kind == "Job":
        return True
    pods = found["spec"].get("template", {}).get("spec", {})
    return all("readinessProbe" in container for container in pods.get("containers", ()))
