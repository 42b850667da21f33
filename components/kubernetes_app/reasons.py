"""Why the Pods of a Deployment do not serve, from the objects that the cluster lists. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from components.printable import printable

CAUSE = "kubernetes.io/change-cause"
"""The annotation that `kubectl rollout history` shows."""

Object = Mapping[str, Any]
"""An object as `kubectl get --output json` lists it."""

_BROKEN = {
    "InvalidImageName": "its image has a name that cannot be pulled",
    "ErrImagePull": "its image cannot be pulled",
    "ImagePullBackOff": "its image cannot be pulled",
    "ErrImageNeverPull": "its image is not on the node, and is never pulled",
    "CreateContainerConfigError": "its container cannot be created",
    "CreateContainerError": "its container cannot be created",
    "RunContainerError": "its container cannot be started",
}
"""Why a container waits that will not start by itself (kubelet: images/types.go, container/sync_result.go)."""


@dataclass(frozen=True, kw_only=True)
class Reason:
    """Why a Pod does not serve, or why there is none."""

    kind: str
    """What it is, in one word: the cluster's message for the same reason changes."""
    text: str
    pod: str | None = None
    """The Pod whose container's log says more, if it is the reason of one Pod."""
    final: bool = True
    """Whether it stays unless something is changed; else it may pass."""

    @property
    def key(self) -> tuple[str, str | None]:
        """Identifies the reason from one poll to the next."""
        return self.kind, self.pod


def is_complete(objects: Sequence[Object], image: str, generation: int) -> bool:
    """Whether every Pod is new and ready, no old one is left, and the Service has all of the new ones as endpoints.

    `generation` is what the declared Deployment had as it was written.
    """
    deployment, current = _current(objects)
    if deployment is None or current is None or _is_rolled_back(deployment, image, generation):
        return False
    wanted, status = deployment["spec"]["replicas"], deployment.get("status", {})
    if deployment["spec"]["template"]["spec"]["containers"][0]["image"] != image:
        return False
    counts = {status.get(key, 0) for key in ("replicas", "updatedReplicas", "availableReplicas")}
    new = {pod["metadata"]["name"] for pod in _pods(objects, current)}
    ready = {
        endpoint["targetRef"]["name"]
        for item in _of(objects, "EndpointSlice")
        for endpoint in item.get("endpoints") or []
        if endpoint.get("conditions", {}).get("ready") and endpoint.get("targetRef")
    }
    return counts == {wanted} and len(ready) == wanted and ready <= new


def reasons(objects: Sequence[Object], image: str, generation: int) -> list[Reason]:
    """Why the new Pods do not serve, as far as the cluster reports by now."""
    deployment, current = _current(objects)
    if deployment is None:
        return [Reason(kind="gone", text="The Deployment does not exist; 'pulumi up --refresh' creates it again")]
    runs = deployment["spec"]["template"]["spec"]["containers"][0]["image"]
    if _is_rolled_back(deployment, image, generation):
        why = f"runs {runs}, {rolled_back(image, generation)}; change what broke it, or try again with"
        return [Reason(kind="by hand", text=f"The Deployment {why} 'pulumi up --refresh'")]
    if runs != image:
        why = f"was given the image {runs} by hand; 'pulumi up --refresh' sets the stack's own again"
        return [Reason(kind="by hand", text=f"The Deployment {why}")]
    if current is None:
        return []
    found = [
        Reason(kind="refused", text=f"No Pod can be created: {printable(condition['message'])}")
        for condition in current.get("status", {}).get("conditions") or []
        if condition["type"] == "ReplicaFailure" and condition["status"] == "True"
    ]
    for pod in _pods(objects, current):
        found += _reasons_of(pod)
    return found


def rolled_back(image: str, generation: int) -> str:
    """The change cause of a Deployment that was rolled back.

    With the generation that broke, as the image may be the same one: settings and secrets break a rollout too.
    """
    return f"rolled back after the rollout of {image} (generation {generation}) had failed"


def _is_rolled_back(deployment: Object, image: str, generation: int) -> bool:
    """Whether what was declared last was rolled back, and nothing was declared since."""
    cause: str | None = deployment["metadata"].get("annotations", {}).get(CAUSE)
    return cause == rolled_back(image, generation)


def _reasons_of(pod: Object) -> list[Reason]:
    name, status = pod["metadata"]["name"], pod.get("status", {})
    for condition in status.get("conditions") or []:
        if condition["type"] == "PodScheduled" and condition.get("reason") == "Unschedulable":
            text = f"Pod {name} cannot be scheduled: {printable(condition.get('message') or '')}"
            # An autoscaler may add a node.
            return [Reason(kind="unschedulable", text=text, pod=name, final=False)]
    return [
        Reason(kind=kind, text=f"Pod {name}: {text}", pod=name, final=final)
        for container in status.get("containerStatuses") or []
        if not container["ready"]
        for kind, text, final in _reason_of(container)
    ]


def _reason_of(container: Object) -> Iterator[tuple[str, str, bool]]:
    """Kind, text, and whether it is final: why a container is not ready."""
    state, last = container.get("state", {}), container.get("lastState", {})
    waiting = state.get("waiting", {}).get("reason", "")
    ended = state.get("terminated") or last.get("terminated")
    if ended:
        # One exit may have been for the lack of something; two are a crash loop.
        final = waiting == "CrashLoopBackOff" or container.get("restartCount", 0) > 1
        yield (
            "ends",
            f"its container exits with code {ended['exitCode']} ({printable(str(ended.get('reason')))})",
            final,
        )
    elif waiting in _BROKEN:
        message = printable(state["waiting"].get("message", ""))
        yield _BROKEN[waiting], f"{_BROKEN[waiting]}: {message or waiting}", True
    elif "running" in state:
        yield "unready", "its container runs and is not ready", False


def _current(objects: Sequence[Object]) -> tuple[Object | None, Object | None]:
    """The Deployment and its newest ReplicaSet, once its controller has observed what was declared."""
    for deployment in _of(objects, "Deployment"):
        metadata = deployment["metadata"]
        if deployment.get("status", {}).get("observedGeneration", 0) < metadata["generation"]:
            return deployment, None
        revision = metadata.get("annotations", {}).get("deployment.kubernetes.io/revision")
        for item in _of(objects, "ReplicaSet"):
            if item["metadata"].get("annotations", {}).get("deployment.kubernetes.io/revision") == revision:
                return deployment, item
        return deployment, None
    return None, None


def _pods(objects: Sequence[Object], owner: Object) -> list[Object]:
    return [
        pod
        for pod in _of(objects, "Pod")
        if "deletionTimestamp" not in pod["metadata"]
        and any(
            reference["uid"] == owner["metadata"]["uid"] for reference in pod["metadata"].get("ownerReferences", [])
        )
    ]


def _of(objects: Sequence[Object], kind: str) -> list[Object]:
    return [item for item in objects if item["kind"] == kind]
