"""Whether the Pods of a Deployment are all the new ones, and where they are not, why not: asked of the cluster.

Pure: no Pulumi here. Through kubectl, which finds the cluster as the Kubernetes provider does. The provider itself
tells of a broken rollout only when its time is over, and never of a quota (pulumi-kubernetes: await/deployment.go).
"""

import asyncio
import json
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

KUBECTL_SECONDS = 20
CAUSE = "kubernetes.io/change-cause"
"""The annotation that `kubectl rollout history` shows."""
_POLL_SECONDS = 1.0
_LINES = 10

_Object = Mapping[str, Any]
Kubectl = Callable[..., subprocess.CompletedProcess[str]]

_BROKEN = {
    "InvalidImageName": "its image has a name that cannot be pulled",
    "ErrImagePull": "its image cannot be pulled",
    "ImagePullBackOff": "its image cannot be pulled",
    "ErrImageNeverPull": "its image is not on the node, and is never pulled",
    "CreateContainerConfigError": "its container cannot be made",
    "CreateContainerError": "its container cannot be made",
    "RunContainerError": "its container cannot be started",
}
"""Why a container waits that will not start by itself (kubelet: images/types.go, container/sync_result.go)."""


_NOT_OURS = ("by hand", "gone")
"""Reasons that are no fault of the new Pods."""


class RolloutError(Exception):
    """What was declared does not run: why, in the cluster's own words."""


class BrokenError(RolloutError):
    """The new Pods themselves are why: what is wrong with them, and what their container said last."""


@dataclass(frozen=True, kw_only=True)
class Reason:
    """Why a Pod does not serve, or why there is none."""

    kind: str
    """What it is, in one word. The cluster tells the same reason in changing words."""
    text: str
    pod: str | None = None
    """The Pod, where it is one Pod's; its container's log tells more."""
    final: bool = True
    """Whether it stays unless something is changed; else time alone may mend it."""

    @property
    def key(self) -> tuple[str, str | None]:
        """By which it is known again."""
        return self.kind, self.pod


def kubectl(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs kubectl on the cluster of the ambient kubeconfig."""
    return subprocess.run(
        ["kubectl", f"--request-timeout={KUBECTL_SECONDS}s", *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )


@dataclass(frozen=True, kw_only=True)
class Rollout:
    """What has to run: the image, in every Pod of a Deployment, behind the Service of the same name."""

    namespace: str
    name: str
    """Name of the Deployment and of the Service, and value of the label app.kubernetes.io/name of all of it."""
    image: str
    seconds: int
    """How long it may take."""
    grace: int
    """How many seconds a reason has to last before it ends the wait: longer than the kubelet's first back-off (ten), or
    what was in the way for a moment fails a rollout that would have succeeded."""
    run: Kubectl = kubectl

    async def wait(self, tell: Callable[[str], object]) -> None:
        """Until it is there. RolloutError within seconds of the cluster knowing why it will not be.

        What time alone may mend is told with `tell`, each reason once.
        """
        start = asked = time.monotonic()
        since: dict[tuple[str, str | None], float] = {}
        told: set[tuple[str, str | None]] = set()
        while True:
            now = time.monotonic()
            try:
                objects = await asyncio.to_thread(self._objects)
                asked = now
            except RolloutError:
                if now - asked >= self.grace:
                    raise
                await asyncio.sleep(_POLL_SECONDS)
                continue
            if is_complete(objects, self.image):
                return
            found = reasons(objects, self.image)
            since = {reason.key: since.get(reason.key, now) for reason in found}
            stands = [reason for reason in found if now - since[reason.key] >= self.grace]
            final = [reason for reason in stands if reason.final]
            if final or now - start >= self.seconds:
                report = await asyncio.to_thread(self._report, final or found, int(now - start))
                raise RolloutError(report) if any(reason.kind in _NOT_OURS for reason in found) else BrokenError(report)
            for reason in stands:
                if reason.key not in told:
                    told.add(reason.key)
                    tell(f"{reason.text}; waiting for {self.seconds} s at most")
            await asyncio.sleep(_POLL_SECONDS)

    async def put_back(self) -> str:
        """Has the version before run again, and says so, or why not. The Deployment tells why it was changed."""
        deployment = (f"deployment/{self.name}", "--namespace", self.namespace)
        for arguments in (
            ("rollout", "undo", *deployment),
            ("annotate", "--overwrite", *deployment, f"{CAUSE}={_put_back(self.image)}"),
            ("rollout", "status", *deployment, f"--timeout={self.seconds}s"),
        ):
            done = await asyncio.to_thread(self.run, *arguments)
            if done.returncode:
                said = (done.stderr.strip() or "kubectl failed").splitlines()[-1]
                return f"The version before could not be put back: {said}"
        return "The version before was put back"

    def _objects(self) -> Sequence[_Object]:
        kinds = "deployments.apps,replicasets.apps,pods,endpointslices.discovery.k8s.io"
        label = f"app.kubernetes.io/name={self.name}"
        asked = self.run("get", kinds, "--namespace", self.namespace, "--selector", label, "--output", "json")
        if asked.returncode:
            said = (asked.stderr.strip() or "kubectl failed").splitlines()[-1]
            raise RolloutError(
                f"The rollout of {self.namespace}/{self.name} cannot be watched: {said}"
                "; see that the credential may list Deployments, ReplicaSets, Pods and EndpointSlices"
            )
        return cast("list[_Object]", json.loads(asked.stdout)["items"])

    def _report(self, found: Sequence[Reason], seconds: int) -> str:
        lines = [f"The rollout of {self.namespace}/{self.name} to {self.image} has failed after {seconds} s:"]
        if not found:
            lines.append("  Its Pods are not all there yet; see 'kubectl describe pods'")
        for kind in dict.fromkeys(reason.kind for reason in found):
            # Pods that fail for the same reason say the same.
            first, *others = (reason for reason in found if reason.kind == kind)
            lines.append(f"  {first.text}{f' (and {len(others)} more)' if others else ''}")
            lines += [f"    {line}" for line in (self._last_words(first.pod) if first.pod else ())]
        return "\n".join(lines)

    def _last_words(self, pod: str) -> list[str]:
        """What went on about the Pod, and the end of its container's log."""
        where = ("--namespace", self.namespace)
        selector = f"involvedObject.name={pod},type=Warning"
        events = self.run("get", "events", *where, "--field-selector", selector, "--output", "json")
        items = json.loads(events.stdout)["items"] if events.returncode == 0 else []
        items.sort(key=lambda event: event.get("lastTimestamp") or event.get("eventTime") or "")
        told = list(dict.fromkeys(" ".join(event["message"].split()) for event in items))[-3:]
        tail = (f"--tail={_LINES}", *where, pod)
        logs = self.run("logs", *tail)
        if not logs.stdout.strip():
            # Between two starts the container has said nothing yet.
            logs = self.run("logs", "--previous", *tail)
        said = logs.stdout.splitlines() if logs.returncode == 0 else []
        return [*(f"event: {line}" for line in told), *(f"log: {line}" for line in said[-_LINES:])]


def is_complete(objects: Sequence[_Object], image: str) -> bool:
    """Whether every Pod is a new one and ready, no old one is left, and the Service leads to all of the new ones."""
    deployment, current = _current(objects)
    if deployment is None or current is None:
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


def reasons(objects: Sequence[_Object], image: str) -> list[Reason]:
    """Why the new Pods do not serve, as far as the cluster knows by now."""
    deployment, current = _current(objects)
    if deployment is None:
        return [Reason(kind="gone", text="There is no such Deployment; 'pulumi up --refresh' makes it again")]
    runs = deployment["spec"]["template"]["spec"]["containers"][0]["image"]
    if runs != image:
        why = f"was given the image {runs} by hand; 'pulumi up --refresh' puts the stack's own back"
        if deployment["metadata"].get("annotations", {}).get(CAUSE) == _put_back(image):
            why = f"runs {runs}, {_put_back(image)}; deploy another image, or try again with 'pulumi up --refresh'"
        return [Reason(kind="by hand", text=f"The Deployment {why}")]
    if current is None:
        return []
    found = [
        Reason(kind="refused", text=f"No Pod can be made: {condition['message']}")
        for condition in current.get("status", {}).get("conditions") or []
        if condition["type"] == "ReplicaFailure" and condition["status"] == "True"
    ]
    for pod in _pods(objects, current):
        found += _reasons_of(pod)
    return found


def _put_back(image: str) -> str:
    return f"put back after the rollout of {image} had failed"


def _reasons_of(pod: _Object) -> list[Reason]:
    name, status = pod["metadata"]["name"], pod.get("status", {})
    for condition in status.get("conditions") or []:
        if condition["type"] == "PodScheduled" and condition.get("reason") == "Unschedulable":
            text = f"Pod {name} finds no node: {condition.get('message')}"
            # A cluster that grows by itself adds a node.
            return [Reason(kind="unschedulable", text=text, pod=name, final=False)]
    return [
        Reason(kind=kind, text=f"Pod {name}: {text}", pod=name, final=final)
        for container in status.get("containerStatuses") or []
        if not container["ready"]
        for kind, text, final in _reason_of(container)
    ]


def _reason_of(container: _Object) -> Iterator[tuple[str, str, bool]]:
    """Kind, text, and whether it is final: why a container that is not ready is not."""
    state, last = container.get("state", {}), container.get("lastState", {})
    waiting = state.get("waiting", {}).get("reason", "")
    ended = state.get("terminated") or last.get("terminated")
    if ended:
        # Started again at once, it may have waited for something; when it has ended twice, that is a pattern.
        final = waiting == "CrashLoopBackOff" or container.get("restartCount", 0) > 1
        yield "ends", f"its container ends with exit code {ended['exitCode']} ({ended.get('reason')})", final
    elif waiting in _BROKEN:
        message = " ".join(state["waiting"].get("message", "").split())
        yield _BROKEN[waiting], f"{_BROKEN[waiting]}: {message or waiting}", True
    elif "running" in state:
        yield "unready", "its container runs and is not ready", False


def _current(objects: Sequence[_Object]) -> tuple[_Object | None, _Object | None]:
    """The Deployment and its newest ReplicaSet, once the cluster has seen what was declared."""
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


def _pods(objects: Sequence[_Object], owner: _Object) -> list[_Object]:
    return [
        pod
        for pod in _of(objects, "Pod")
        if "deletionTimestamp" not in pod["metadata"]
        and any(
            reference["uid"] == owner["metadata"]["uid"] for reference in pod["metadata"].get("ownerReferences", [])
        )
    ]


def _of(objects: Sequence[_Object], kind: str) -> list[_Object]:
    return [item for item in objects if item["kind"] == kind]
