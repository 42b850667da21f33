"""Wakes whoever waits for workloads as soon as they may be complete: one request a kind, not one a second.

A server, or a proxy in front of it, ends a watch when it likes; it is then begun again. No Pulumi here.
"""

import asyncio
import json
import math
import subprocess
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any
from urllib.parse import quote

from components import cancellation
from components.cluster.kubectl import raw_path, stream
from components.rollout.listed import Object, condition_of, is_observed
from components.rollout.workload import Workload

_PATHS = {
    "Deployment": "apps/v1/namespaces/{}/deployments",
    "StatefulSet": "apps/v1/namespaces/{}/statefulsets",
    "DaemonSet": "apps/v1/namespaces/{}/daemonsets",
    "Job": "batch/v1/namespaces/{}/jobs",
}
_WATCH_SECONDS = 300
"""Of one request (client-go: reflector.go, minWatchTimeout): proxies end longer ones without a word."""
_AGAIN_SECONDS = 1.0
_MOST_AGAIN_SECONDS = 32.0
"""The pause before another request is doubled, up to this, while none has an event, as without the right to watch."""
_SOON_SECONDS = 0.25
_SOON_TIMES = 4
"""How often what may be complete is looked at again: Services are a moment behind their Pods."""


class Watch:
    """The changes of workloads; without the right to watch them there are none, and the time alone ends a wait."""

    def __init__(self, namespace: str, workloads: Sequence[Workload], seconds: int) -> None:
        """Begins to watch, for so many seconds at most. It has to be closed."""
        self._names = {(workload.kind, workload.name) for workload in workloads}
        self._loop = asyncio.get_running_loop()
        self._complete = asyncio.Event()
        self._soon = 0
        self._end = time.monotonic() + seconds
        self._closed = threading.Event()
        self._lock = threading.Lock()
        self._processes: dict[str, subprocess.Popen[str]] = {}
        cancellation.register(self.close)
        for kind in dict.fromkeys(workload.kind for workload in workloads):
            names = [workload.name for workload in workloads if workload.kind == kind]
            threading.Thread(
                target=self._follow, args=(kind, path(kind, namespace, names)), name=f"watch-{kind}", daemon=True
            ).start()

    async def changed(self, seconds: float) -> None:
        """Returns once a workload may be complete, or after these seconds."""
        if self._soon:
            seconds, self._soon = _SOON_SECONDS, self._soon - 1
        with suppress(TimeoutError):
            await asyncio.wait_for(self._complete.wait(), seconds)
            self._soon = _SOON_TIMES
        self._complete.clear()

    def close(self) -> None:
        """Ends it."""
        cancellation.unregister(self.close)
        with self._lock:
            self._closed.set()
            for process in self._processes.values():
                process.terminate()

    def _follow(self, kind: str, of: str) -> None:
        """Watches a kind, with one request after another, until the watch is closed or its time is over."""
        pause = _AGAIN_SECONDS
        with suppress(FileNotFoundError):
            of = raw_path(of)
            while (left := self._end - time.monotonic()) > 0:
                process = self._begin(kind, f"{of}&timeoutSeconds={min(math.ceil(left), _WATCH_SECONDS)}")
                if process is None:
                    return
                is_heard = self._read(kind, process)
                self._closed.wait(_AGAIN_SECONDS if is_heard else pause)
                pause = _AGAIN_SECONDS if is_heard else min(2 * pause, _MOST_AGAIN_SECONDS)

    def _begin(self, kind: str, of: str) -> subprocess.Popen[str] | None:
        """The process of a request; None if the watch is closed."""
        with self._lock:
            if self._closed.is_set():
                return None
            self._processes[kind] = stream("get", "--raw", of)
            return self._processes[kind]

    def _read(self, kind: str, process: subprocess.Popen[str]) -> bool:
        """Whether there was an event until it ended."""
        is_heard = False
        with process:
            for line in process.stdout or ():
                found = event(line)
                is_heard = is_heard or found is not None
                # The loop is closed if the program has ended meanwhile.
                if found and (kind, found["metadata"]["name"]) in self._names and may_be_complete(kind, found):
                    with suppress(RuntimeError):
                        self._loop.call_soon_threadsafe(self._complete.set)
        return is_heard


def path(kind: str, namespace: str, names: Sequence[str]) -> str:
    """Where the API server sends the changes of these workloads, what there is first of all."""
    one = f"&fieldSelector={quote(f'metadata.name={names[0]}')}" if len(names) == 1 else ""
    return f"/apis/{_PATHS[kind].format(namespace)}?watch=true{one}"


def event(line: str) -> Object | None:
    """The object of a line of a watch; None if it has none."""
    with suppress(ValueError, KeyError, TypeError):
        found: dict[str, Any] = json.loads(line)
        return found["object"] if "name" in found["object"]["metadata"] else None
    return None


def may_be_complete(kind: str, found: Object) -> bool:
    """Whether the workload says of itself that it is, or that it has failed."""
    if kind == "Job":
        return any(condition_of(found, condition) is not None for condition in ("Complete", "Failed"))
    status = found.get("status", {})
    if kind == "DaemonSet":
        wanted = status.get("desiredNumberScheduled", 0)
        ready = [status.get("updatedNumberScheduled", 0), status.get("numberAvailable", 0)]
    else:
        wanted = found["spec"].get("replicas", 1)
        ready = [status.get(key, 0) for key in ("updatedReplicas", "availableReplicas", "replicas")]
    return is_observed(found) and set(ready) == {wanted}
