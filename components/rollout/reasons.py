"""Why a workload's Pods do not serve, from the objects that the cluster lists. Pure."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from components.printable import printable
from components.rollout.listed import (
    Object,
    changed_container,
    condition_of,
    find,
    images_of,
    is_observed,
    leads,
    leaves_pods,
    new_pods,
    of_kind,
    owned,
    revision_of,
)
from components.rollout.workload import Workload

CAUSE = "kubernetes.io/change-cause"
"""The annotation that `kubectl rollout history` shows."""

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
_NO_IMAGE = re.compile("code = NotFound|manifest unknown")
"""The answer of a registry that has no such image, as the runtimes hand it on; no other try would get another one."""


@dataclass(frozen=True, kw_only=True)
class Reason:
    """Why a Pod does not serve, or why there is none."""

    kind: str
    """What it is, in one word: the cluster's message for the same reason changes."""
    text: str
    pod: str | None = None
    """The Pod whose container's log says more, if it is the reason of one Pod."""
    container: str | None = None
    """The container of that Pod."""
    final: bool = True
    """Whether it stays unless something is changed; else it may pass."""
    certain: bool = False
    """Whether waiting cannot help: the image does not exist, or a Job, which was given its time, has failed."""
    workload: str = ""
    """Of which workload it is the reason."""

    @property
    def key(self) -> tuple[str, str | None, str]:
        """Identifies the reason from one poll to the next."""
        return self.kind, self.pod, self.workload


def is_complete(objects: Sequence[Object], workload: Workload) -> bool:
    """Whether all Pods are new and ready, no old one is left, and each Service has all new ones as endpoints.

    A Job is complete when it has succeeded.
    """
    found = find(objects, workload)
    if found is None or _is_rolled_back(found, workload):
        return False
    if workload.kind == "Job":
        return condition_of(found, "Complete") is not None
    if not is_observed(found) or changed_container(found, workload):
        return False
    spec, status = found["spec"], found.get("status", {})
    if workload.kind == "DaemonSet":
        wanted = status.get("desiredNumberScheduled", 0)
        counts = {status.get(key, 0) for key in ("currentNumberScheduled", "updatedNumberScheduled", "numberAvailable")}
    else:
        wanted = spec.get("replicas", 1)
        counts = {status.get(key, 0) for key in ("replicas", "updatedReplicas", "availableReplicas")}
    if leaves_pods(spec):
        # Whoever deletes a Pod, or lowers the partition, rolls it out.
        return bool(status.get("availableReplicas", status.get("numberAvailable", 0)) >= wanted)
    new = {pod["metadata"]["name"] for pod in new_pods(objects, workload, found)}
    served = counts == {wanted} and len(new) >= wanted
    return served and all(not wanted or leads(objects, service, new) for service in workload.services)


def reasons(objects: Sequence[Object], workload: Workload) -> list[Reason]:
    """Why the new Pods do not serve, as far as the cluster reports by now."""
    return [
        replace(reason, workload=workload.name)
        for reason in (_of_job(objects, workload) if workload.kind == "Job" else _of_pods(objects, workload))
    ]


def rolled_back(image: str, generation: int) -> str:
    """The change cause of a Deployment that was rolled back.

    With the generation that broke, as the image may be the same one: settings and secrets break a rollout too.
    """
    return f"rolled back after the rollout of {image} (generation {generation}) had failed"


def _of_pods(objects: Sequence[Object], workload: Workload) -> list[Reason]:
    subject, found = workload.subject, find(objects, workload)
    if found is None:
        return [_missing(workload)]
    changed = changed_container(found, workload)
    if _is_rolled_back(found, workload):
        name = changed or next(iter(workload.images))
        why = f"runs {images_of(found).get(name)}, {rolled_back(workload.images[name], workload.generation)}"
        text = f"{subject} {why}; change what broke it, or try again with 'pulumi up --refresh'"
        return [Reason(kind="by hand", text=text)]
    if changed:
        why = f"was given the image {images_of(found).get(changed)} by hand; 'pulumi up --refresh' sets the stack's own"
        return [Reason(kind="by hand", text=f"{subject} {why} again")]
    if not is_observed(found):
        return []
    controller = (revision_of(objects, workload, found) if workload.kind == "Deployment" else None) or found
    reported = [
        Reason(kind="refused", text=_prefixed(workload, f"No Pod can be created: {printable(text)}{_hint(text)}"))
        for text in _refused(objects, controller)
    ]
    new = new_pods(objects, workload, found)
    for pod in new:
        reported += _reasons_of(pod, workload)
    if workload.kind == "StatefulSet" and not reported:
        # Kubernetes: StatefulSets, forced rollback.
        reported += [
            Reason(
                kind="stuck",
                text=f"{subject}: Pod {pod['metadata']['name']} of the version before is not ready, and a StatefulSet "
                f"does not replace such a one; delete it with 'kubectl delete pod {pod['metadata']['name']}'",
                pod=pod["metadata"]["name"],
            )
            for pod in owned(objects, "Pod", found)
            if pod not in new and _reasons_of(pod, workload)
        ]
    return reported


def _of_job(objects: Sequence[Object], workload: Workload) -> list[Reason]:
    found = find(objects, workload)
    if found is None:
        return [_missing(workload)]
    pods = owned(objects, "Pod", found)
    failed = condition_of(found, "Failed")
    if failed:
        message = printable(failed.get("message") or failed.get("reason") or "")
        last = max(pods, key=lambda pod: str(pod["metadata"].get("creationTimestamp")), default=None)
        return [
            Reason(
                kind="failed",
                certain=True,
                text=f"{workload.subject} has failed: {message}",
                pod=last["metadata"]["name"] if last else None,
                container=_failing(last) if last else None,
            )
        ]
    # A Job runs its Pods again: an end is final only when the Job says so.
    return [
        replace(reason, final=reason.final and reason.kind != "ends")
        for pod in pods
        if pod.get("status", {}).get("phase") != "Failed"
        for reason in _reasons_of(pod, workload)
        if reason.kind != "unready"
    ] + [
        Reason(kind="refused", text=_prefixed(workload, f"No Pod can be created: {printable(text)}{_hint(text)}"))
        for text in _refused(objects, found)
        if not pods
    ]


def _missing(workload: Workload) -> Reason:
    return Reason(kind="gone", text=f"{workload.subject} does not exist; 'pulumi up --refresh' creates it again")


def _is_rolled_back(found: Object, workload: Workload) -> bool:
    """Whether what was declared last was rolled back, and nothing was declared since."""
    cause: str | None = (found["metadata"].get("annotations") or {}).get(CAUSE)
    return cause is not None and any(
        cause == rolled_back(image, workload.generation) for image in workload.images.values()
    )


def _refused(objects: Sequence[Object], owner: Object) -> Iterator[str]:
    """Why the cluster does not let a controller create a Pod: a ReplicaSet says so itself, of others an event does."""
    failure = condition_of(owner, "ReplicaFailure")
    if failure:
        yield failure["message"]
    elif owner["kind"] != "ReplicaSet":
        yield from dict.fromkeys(
            event.get("message", "")
            for event in of_kind(objects, "Event")
            if event.get("reason") == "FailedCreate" and event["involvedObject"].get("uid") == owner["metadata"]["uid"]
        )


def _hint(message: str) -> str:
    if "violates PodSecurity" not in message:
        return ""
    return "; change the Pod's securityContext, or the level of the namespace (access.podSecurity)"


def _prefixed(workload: Workload, text: str) -> str:
    return f"{workload.subject}: {text}" if workload.where else text


def _reasons_of(pod: Object, workload: Workload) -> list[Reason]:
    name, status = pod["metadata"]["name"], pod.get("status", {})
    for condition in status.get("conditions") or []:
        if condition["type"] == "PodScheduled" and condition.get("reason") == "Unschedulable":
            text = _prefixed(workload, f"Pod {name} cannot be scheduled: {printable(condition.get('message') or '')}")
            # An autoscaler may add a node.
            return [Reason(kind="unschedulable", text=text, pod=name, final=False)]
    return [
        Reason(
            kind=kind,
            text=_prefixed(workload, f"Pod {name}: {text}"),
            pod=name,
            container=container.get("name"),
            final=final,
            certain=kind == _BROKEN["InvalidImageName"]
            or (kind == _BROKEN["ErrImagePull"] and bool(_NO_IMAGE.search(text))),
        )
        for container in _containers(status)
        if not container["ready"]
        for kind, text, final in _reason_of(container)
    ]


def _containers(status: Object) -> list[Object]:
    """The statuses of a Pod's containers; of those that run before the others, the ones that have not succeeded."""
    first = [
        container
        for container in status.get("initContainerStatuses") or []
        if container.get("state", {}).get("terminated", {}).get("exitCode") != 0
        # One that runs beside the others, once it has started.
        and not container.get("started")
    ]
    return [*first, *(status.get("containerStatuses") or [])]


def _failing(pod: Object) -> str | None:
    """The container of a Pod that has failed."""
    for container in _containers(pod.get("status", {})):
        state, last = container.get("state", {}), container.get("lastState", {})
        ended = state.get("terminated") or last.get("terminated")
        if ended and ended["exitCode"]:
            return container.get("name")
    return None


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
