"""Whether workloads run as they were declared, and if they do not, why: read from the cluster.

The provider itself reports a broken rollout only at its
timeout, and never a quota (pulumi-kubernetes: await/deployment.go).
"""

import asyncio
import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

from components.cluster.kubectl import Kubectl, kubectl, reason_of
from components.printable import printable, printable_lines
from components.progress import Progress
from components.rollout import ready
from components.rollout.listed import Object, is_probed
from components.rollout.reasons import CAUSE, Reason, is_complete, reasons, rolled_back
from components.rollout.watch import Watch
from components.rollout.workload import Workload

_POLL_SECONDS = 1.0
_WATCHED_POLL_SECONDS = 2.0
"""With a watch that ends the wait, polls are for the reasons why Pods do not serve."""
_STEADY_SECONDS = 3.0
"""How long what has no readiness probe has to stay complete: its container is ready as soon as it is started, also one
that ends a moment later."""
_LOG_LINES = 10

_NOT_OURS = ("by hand", "gone")
"""Reasons that are no fault of the new Pods."""
_KINDS = {
    "Deployment": "deployments.apps,replicasets.apps",
    "StatefulSet": "statefulsets.apps,controllerrevisions.apps",
    "DaemonSet": "daemonsets.apps,controllerrevisions.apps",
    "Job": "jobs.batch",
}
_PODS = ("pods", "endpointslices.discovery.k8s.io")


class RolloutError(Exception):
    """What was declared does not run: the reason that the cluster gives."""


class BrokenError(RolloutError):
    """The new Pods themselves are the reason: what is wrong with them, and their last log lines."""


@dataclass(frozen=True, kw_only=True)
class Rollout:
    """Workloads of a namespace that have to run."""

    namespace: str
    title: str
    """What it is the rollout of, as in `The rollout of TITLE failed`."""
    workloads: Sequence[Workload]
    selector: Mapping[str, str] | None = None
    """Labels of all of them, of their Pods and of what the cluster makes for them; None if they have none in common."""
    seconds: int
    """How long it may take."""
    grace: int
    """How many seconds a reason has to last before it ends the wait: longer than the kubelet's first back-off (ten), or
    what was in the way for a moment fails a rollout that would have succeeded."""
    run: Kubectl = kubectl
    watch: Callable[[str, Sequence[Workload], int], Watch] | None = None
    """Begins a watch that ends a pause between two polls; None lets the time pass."""
    _known: set[tuple[object, ...]] = field(default_factory=set, init=False)
    """The events of refused Pods that were there before."""
    _logs: dict[tuple[str, str | None, str | None], list[str]] = field(default_factory=dict, init=False)
    """The last log lines of containers that have ended: a Job deletes its last Pod when it gives up."""

    _watches: list[Watch] = field(default_factory=list, init=False)

    async def wait(self, warn: Callable[[str], object], inform: Callable[[str], object]) -> None:
        """Returns once all of them run, or have succeeded; RolloutError within seconds of a reason why they will not.

        A reason that may pass is reported with `warn`, once; how far the rollout is, with `inform`.
        """
        try:
            async with Progress(inform) as progress:
                await self._wait(warn, progress)
        finally:
            for watch in self._watches:
                watch.close()

    async def _wait(self, warn: Callable[[str], object], progress: Progress) -> None:
        start = asked = time.monotonic()
        since: dict[tuple[str, str | None, str], float] = {}
        warned: set[tuple[str, str | None, str]] = set()
        # What is complete at the first look was not changed by this run, and is as if it always had been.
        complete = -math.inf
        self._known.update(map(_identity, await asyncio.to_thread(self._refusals)))
        while True:
            now = time.monotonic()
            try:
                objects = await asyncio.to_thread(self._objects)
                asked = now
            except RolloutError:
                if now - asked >= self.grace:
                    raise
                progress.say("the cluster does not answer")
                await asyncio.sleep(_POLL_SECONDS)
                continue
            waited_for = [workload for workload in self.workloads if not is_complete(objects, workload)]
            complete = math.inf if waited_for else min(complete, now)
            is_steady = now - complete >= _STEADY_SECONDS
            if not waited_for and (is_steady or all(is_probed(objects, workload) for workload in self.workloads)):
                return
            progress.say(ready.progress(objects, self.workloads))
            found = [reason for workload in waited_for for reason in reasons(objects, workload)]
            await asyncio.to_thread(self._remember_logs, found)
            since = {reason.key: since.get(reason.key, now) for reason in found}
            lasting = [reason for reason in found if reason.certain or now - since[reason.key] >= self.grace]
            final = [reason for reason in lasting if reason.final]
            if final or now - start >= self.seconds:
                report = await asyncio.to_thread(self._report, final or found, waited_for, int(now - start))
                raise RolloutError(report) if any(reason.kind in _NOT_OURS for reason in found) else BrokenError(report)
            for reason in lasting:
                if reason.key not in warned:
                    warned.add(reason.key)
                    warn(f"{reason.text}; waiting for {self.seconds} s at most")
            await self._pause()

    async def _pause(self) -> None:
        """Until the next poll. The watch begins with the first one: a run that changes nothing needs none."""
        if not self.watch:
            await asyncio.sleep(_POLL_SECONDS)
            return
        if not self._watches:
            self._watches.append(self.watch(self.namespace, self.workloads, self.seconds))
        await self._watches[0].changed(_WATCHED_POLL_SECONDS)

    async def roll_back(self) -> str:
        """Rolls a Deployment back one revision; says so, or why not. Its change cause says why it was changed."""
        workload = self.workloads[0]
        deployment = (f"deployment/{workload.name}", "--namespace", self.namespace)
        cause = rolled_back(next(iter(workload.images.values())), workload.generation)
        for arguments in (
            ("rollout", "undo", *deployment),
            ("annotate", "--overwrite", *deployment, f"{CAUSE}={cause}"),
            ("rollout", "status", *deployment, f"--timeout={self.seconds}s"),
        ):
            done = await asyncio.to_thread(self.run, *arguments)
            if done.returncode:
                return f"The Deployment could not be rolled back: {reason_of(done)}"
        return "The Deployment was rolled back one revision"

    def _objects(self) -> Sequence[Object]:
        kinds = dict.fromkeys(kind for workload in self.workloads for kind in _KINDS[workload.kind].split(","))
        labels = ",".join(f"{name}={value}" for name, value in (self.selector or {}).items())
        selected = ("--selector", labels) if labels else ()
        what = ",".join((*kinds, *_PODS))
        asked = self.run("get", what, "--namespace", self.namespace, *selected, "--output", "json")
        if asked.returncode:
            raise RolloutError(
                f"The rollout of {self.title} cannot be watched: {reason_of(asked)}; check that the credential may "
                f"list {what}"
            )
        refusals = [event for event in self._refusals() if _identity(event) not in self._known]
        return [*cast("list[Object]", json.loads(asked.stdout)["items"]), *refusals]

    def _refusals(self) -> list[Object]:
        """Events of Pods that could not be made: a ReplicaSet alone has them as a condition too."""
        if all(workload.kind == "Deployment" for workload in self.workloads):
            return []
        return self._events("reason=FailedCreate,type=Warning")

    def _events(self, selector: str) -> list[Object]:
        where = ("--namespace", self.namespace)
        events = self.run("get", "events", *where, "--field-selector", selector, "--output", "json")
        return cast("list[Object]", json.loads(events.stdout)["items"]) if events.returncode == 0 else []

    def _report(self, found: Sequence[Reason], waited_for: Sequence[Workload], seconds: int) -> str:
        lines = [f"The rollout of {self.title} failed after {seconds} s:"]
        if not found:
            named = ", ".join(workload.subject for workload in waited_for if workload.where)
            whose = f"the Pods of {named}" if named else "its Pods"
            lines.append(f"  Some of {whose} do not exist yet; see 'kubectl describe pods'")
        for key in dict.fromkeys((reason.workload, reason.kind) for reason in found):
            # Pods that fail for the same reason say the same.
            first, *others = (reason for reason in found if (reason.workload, reason.kind) == key)
            lines.append(f"  {first.text}{f' (and {len(others)} more)' if others else ''}")
            lines += [f"    {line}" for line in self._last_log_lines(first)]
        return "\n".join(lines)

    def _last_log_lines(self, reason: Reason) -> list[str]:
        """The warnings about the Pod, and the end of its container's log."""
        if reason.pod is None:
            # The Pod of a Job that has failed may be no more.
            kept = [lines for (workload, _, _), lines in self._logs.items() if workload == reason.workload]
            return kept[-1] if kept else []
        items = self._events(f"involvedObject.name={reason.pod},type=Warning")
        items.sort(key=lambda event: event.get("lastTimestamp") or event.get("eventTime") or "")
        warnings = list(dict.fromkeys(printable(event["message"]) for event in items))[-3:]
        lines = self._log(reason.pod, reason.container) or self._logs.get(_log_of(reason), [])
        return [*(f"event: {line}" for line in warnings), *lines]

    def _remember_logs(self, found: Sequence[Reason]) -> None:
        jobs = {workload.name for workload in self.workloads if workload.kind == "Job"}
        for reason in found:
            if reason.workload in jobs and reason.pod and reason.kind == "ends" and not self._logs.get(_log_of(reason)):
                self._logs[_log_of(reason)] = self._log(reason.pod, reason.container)

    def _log(self, pod: str, container: str | None) -> list[str]:
        named = ("--container", container) if container else ()
        tail = (f"--tail={_LOG_LINES}", "--namespace", self.namespace, pod, *named)
        logs = self.run("logs", *tail)
        if not logs.stdout.strip():
            # Between two starts the log is empty.
            logs = self.run("logs", "--previous", *tail)
        lines = printable_lines(logs.stdout) if logs.returncode == 0 else []
        return [f"log: {line}" for line in lines[-_LOG_LINES:]]


def _identity(event: Object) -> tuple[object, ...]:
    """What changes when the same thing happens again."""
    return event["metadata"]["uid"], event.get("count"), event.get("lastTimestamp"), str(event.get("series"))


def _log_of(reason: Reason) -> tuple[str, str | None, str | None]:
    return reason.workload, reason.pod, reason.container
