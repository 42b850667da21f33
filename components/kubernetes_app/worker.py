"""The rollout of a worker: no Service leads to its Pods. No Pulumi here."""

from collections.abc import Sequence

from components.kubernetes_app.reasons import Object
from components.kubernetes_app.rollout import Rollout


class WorkerRollout(Rollout):
    """As of an application that serves, but that a Pod which is ready counts as reached."""

    def _objects(self) -> Sequence[Object]:
        objects = super()._objects()
        ready = [
            {"conditions": {"ready": True}, "targetRef": {"name": item["metadata"]["name"]}}
            for item in objects
            if item["kind"] == "Pod" and "deletionTimestamp" not in item["metadata"] and _is_ready(item)
        ]
        return [*objects, {"kind": "EndpointSlice", "metadata": {"name": self.name}, "endpoints": ready}]


def _is_ready(pod: Object) -> bool:
    conditions = pod.get("status", {}).get("conditions") or []
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)
