"""Whether the rollout of a Deployment is complete, and if it is not, why: read from the cluster. No Pulumi here.

The provider itself reports a broken rollout only at its
timeout, and never a quota (pulumi-kubernetes: await/deployment.go).
"""

import asyncio
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from components.cluster.kubectl import Kubectl, kubectl
from components.kubernetes_app.reasons import CAUSE, Object, Reason, is_complete, reasons, rolled_back
from components.printable import printable, printable_lines

_POLL_SECONDS = 1.0
_LOG_LINES = 10

_NOT_OURS = ("by hand", "gone")
"""Reasons that are no fault of the new Pods."""


class RolloutError(Exception):
    """What was declared does not run: the reason that the cluster gives."""


class BrokenError(RolloutError):
    """The new Pods themselves are the reason: what is wrong with them, and their last log lines."""


@dataclass(frozen=True, kw_only=True)
class Rollout:
    """The image that has to run in every Pod of a Deployment, behind the Service of the same name."""

    namespace: str
    name: str
    """Name of the Deployment and of the Service."""
    selector: Mapping[str, str]
    """Labels of both, of the Pods and of what the cluster makes for them."""
    image: str
    generation: int
    """Of the Deployment as the stack wrote it last."""
    seconds: int
    """How long it may take."""
    grace: int
    """How many seconds a reason has to last before it ends the wait: longer than the kubelet's first back-off (ten), or
    what was in the way for a moment fails a rollout that would have succeeded."""
    run: Kubectl = kubectl

    async def wait(self, warn: Callable[[str], object]) -> None:
        """Returns once the rollout is complete; RolloutError within seconds of a reason why it will not be.

        A reason that may pass is reported with `warn`, once.
        """
        start = asked = time.monotonic()
        since: dict[tuple[str, str | None], float] = {}
        warned: set[tuple[str, str | None]] = set()
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
            if is_complete(objects, self.image, self.generation):
                return
            found = reasons(objects, self.image, self.generation)
            since = {reason.key: since.get(reason.key, now) for reason in found}
            lasting = [reason for reason in found if now - since[reason.key] >= self.grace]
            final = [reason for reason in lasting if reason.final]
            if final or now - start >= self.seconds:
                report = await asyncio.to_thread(self._report, final or found, int(now - start))
                raise RolloutError(report) if any(reason.kind in _NOT_OURS for reason in found) else BrokenError(report)
            for reason in lasting:
                if reason.key not in warned:
                    warned.add(reason.key)
                    warn(f"{reason.text}; waiting for {self.seconds} s at most")
            await asyncio.sleep(_POLL_SECONDS)

    async def roll_back(self) -> str:
        """Rolls back one revision; says so, or why not. The Deployment's change cause says why it was changed."""
        deployment = (f"deployment/{self.name}", "--namespace", self.namespace)
        for arguments in (
            ("rollout", "undo", *deployment),
            ("annotate", "--overwrite", *deployment, f"{CAUSE}={rolled_back(self.image, self.generation)}"),
            ("rollout", "status", *deployment, f"--timeout={self.seconds}s"),
        ):
            done = await asyncio.to_thread(self.run, *arguments)
            if done.returncode:
                said = printable((done.stderr.strip() or "kubectl failed").splitlines()[-1])
                return f"The Deployment could not be rolled back: {said}"
        return "The Deployment was rolled back one revision"

    def _objects(self) -> Sequence[Object]:
        kinds = "deployments.apps,replicasets.apps,pods,endpointslices.discovery.k8s.io"
        labels = ",".join(f"{name}={value}" for name, value in self.selector.items())
        asked = self.run("get", kinds, "--namespace", self.namespace, "--selector", labels, "--output", "json")
        if asked.returncode:
            said = printable((asked.stderr.strip() or "kubectl failed").splitlines()[-1])
            raise RolloutError(
                f"The rollout of {self.namespace}/{self.name} cannot be watched: {said}; check that the credential may "
                "list Deployments, ReplicaSets, Pods and EndpointSlices"
            )
        return cast("list[Object]", json.loads(asked.stdout)["items"])

    def _report(self, found: Sequence[Reason], seconds: int) -> str:
        lines = [f"The rollout of {self.namespace}/{self.name} to {self.image} failed after {seconds} s:"]
        if not found:
            lines.append("  Some of its Pods do not exist yet; see 'kubectl describe pods'")
        for kind in dict.fromkeys(reason.kind for reason in found):
            # Pods that fail for the same reason say the same.
            first, *others = (reason for reason in found if reason.kind == kind)
            lines.append(f"  {first.text}{f' (and {len(others)} more)' if others else ''}")
            lines += [f"    {line}" for line in (self._last_log_lines(first.pod) if first.pod else ())]
        return "\n".join(lines)

    def _last_log_lines(self, pod: str) -> list[str]:
        """The warnings about the Pod, and the end of its container's log."""
        where = ("--namespace", self.namespace)
        selector = f"involvedObject.name={pod},type=Warning"
        events = self.run("get", "events", *where, "--field-selector", selector, "--output", "json")
        items = json.loads(events.stdout)["items"] if events.returncode == 0 else []
        items.sort(key=lambda event: event.get("lastTimestamp") or event.get("eventTime") or "")
        warnings = list(dict.fromkeys(printable(event["message"]) for event in items))[-3:]
        tail = (f"--tail={_LOG_LINES}", *where, pod)
        logs = self.run("logs", *tail)
        if not logs.stdout.strip():
            # Between two starts the log is empty.
            logs = self.run("logs", "--previous", *tail)
        lines = printable_lines(logs.stdout) if logs.returncode == 0 else []
        return [*(f"event: {line}" for line in warnings), *(f"log: {line}" for line in lines[-_LOG_LINES:])]
