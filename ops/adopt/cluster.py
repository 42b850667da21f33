"""The cluster as `adopt` reads and changes it, with kubectl."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from components.cluster import check as cluster_check
from components.cluster.planned import Planned, planned
from components.settings.settings import Settings
from components.stack_state import StateResource
from ops import cli
from ops.adopt.handmade import Handmade, Object
from ops.adopt.managers import settled
from ops.ops_error import OpsError

_ROLLOUT_MARGIN_SECONDS = 30


def find(stack: Settings, own_id: str, resources: Sequence[StateResource]) -> list[tuple[Planned, Mapping[str, Any]]]:
    """What the stack would make and exists as somebody else's, with its metadata, as the preflight sees it."""
    try:
        check = cluster_check.look(stack)
    except cluster_check.UnreadableError as error:
        raise OpsError(f"What is on the cluster cannot be read ({error}); check KUBECONFIG") from error
    return cluster_check.foreign(planned(stack), check, own_id, lambda: cluster_check.uids_in_state(resources))


def read(found: Iterable[Planned], namespace: str | None) -> Handmade:
    """These objects in full, and the Pods and Ingresses of the namespace; with none of them, nothing."""
    names = [f"{_resource(item)}/{item.name}" for item in found]
    if not names:
        return Handmade(objects={})
    return Handmade(
        objects={(item["kind"], item["metadata"]["name"]): item for item in _get(*names, namespace=namespace)},
        pods=_get("pods", namespace=namespace),
        ingresses=_get("ingresses", namespace=namespace),
    )


def wait_for_rollout(namespace: str, name: str, seconds: int) -> None:
    """Returns once every Pod of the Deployment is a new one; OpsError if that is not so in time."""
    limit = f"--timeout={seconds}s"
    command = ("kubectl", "rollout", "status", f"deployment/{name}", "--namespace", namespace, limit)
    done = cli.run(*command, timeout=seconds + _ROLLOUT_MARGIN_SECONDS)
    if done.returncode:
        raise OpsError(
            f"The new Pods of Deployment {namespace}/{name} do not get ready ({cli.last_line(done.stderr)}). The old "
            f"ones serve on; see 'kubectl describe pods', correct the stack file, and run the same command again; or "
            f"go back with 'kubectl rollout undo deployment/{name} --namespace {namespace}'"
        )


def settle(resources: Iterable[StateResource]) -> list[str]:
    """Gives the fields of the stack's objects to the stack alone; which objects that changed."""
    changed = []
    for resource in resources:
        manager = resource.outputs.get("__fieldManager")
        if not manager or not resource.type.startswith("kubernetes:"):
            continue
        kind, metadata = resource.outputs["kind"], resource.outputs["metadata"]
        where = ("--namespace", metadata["namespace"]) if metadata.get("namespace") else ()
        group, _, _ = str(resource.outputs["apiVersion"]).rpartition("/")
        name = (f"{kind}.{group}" if group else kind, metadata["name"])
        live = _run("get", *name, *where, "--show-managed-fields", "--output", "json")
        entries = json.loads(live)["metadata"]["managedFields"]
        wanted = settled(entries, manager)
        if wanted == entries:
            continue
        patch = [
            # The object may have changed since; then the API server refuses this.
            {
                "op": "test",
                "path": "/metadata/resourceVersion",
                "value": json.loads(live)["metadata"]["resourceVersion"],
            },
            {"op": "replace", "path": "/metadata/managedFields", "value": wanted},
        ]
        _run("patch", *name, *where, "--type=json", "--patch", json.dumps(patch))
        changed.append(f"{kind} {metadata['name']}")
    return changed


def delete(kind: str, name: str, namespace: str | None) -> None:
    """Deletes an object; it may be gone already."""
    where = ("--namespace", namespace) if namespace else ()
    _run("delete", kind, name, *where, "--ignore-not-found")


def list_all(kinds: str, namespace: str | None, *options: str) -> list[Object]:
    """All objects of these kinds in the namespace; of the cluster without one."""
    return _get(kinds, *options, namespace=namespace)


def _resource(item: Planned) -> str:
    group, _, _ = item.api_version.rpartition("/")
    return f"{item.kind}.{group}" if group else item.kind


def _get(*arguments: str, namespace: str | None) -> list[Object]:
    where = ("--namespace", namespace) if namespace else ()
    answer = json.loads(_run("get", *arguments, *where, "--output", "json"))
    items: list[Object] = answer["items"] if answer["kind"] == "List" else [answer]
    return items


def _run(*arguments: str) -> str:
    done = cli.run("kubectl", *arguments)
    if done.returncode:
        raise OpsError(
            f"kubectl {arguments[0]} {arguments[1]} failed ({cli.last_line(done.stderr)}); 'adopt' needs the rights of "
            "who made the old set-up"
        )
    return done.stdout
