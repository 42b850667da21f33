"""The cluster as `adopt` reads and changes it, with kubectl."""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from components.cluster import check as cluster_check
from components.cluster import reading
from components.cluster.planned import Planned, planned
from components.settings.settings import Settings
from components.stack_state import StateResource
from ops import cli
from ops.adopt.handmade import Handmade, Object
from ops.adopt.managers import released
from ops.ops_error import OpsError

_ROLLOUT_MARGIN_SECONDS = 30
_ATTEMPTS = 5
_SERVICE, _MANAGED_BY = "kubernetes.io/service-name", "endpointslice.kubernetes.io/managed-by"
_BRIDGE = "gitlab-deploy-adopt"


def find(stack: Settings, own_id: str, resources: Sequence[StateResource]) -> list[tuple[Planned, Mapping[str, Any]]]:
    """What the stack would make and exists as somebody else's, with its metadata, as the preflight sees it."""
    try:
        check = reading.look(stack)
    except reading.UnreadableError as error:
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


@contextmanager
def bridged(namespace: str, service: str) -> Iterator[None]:
    """While the block renames the port of a Service, its Pods are behind both names.

    Proxies find endpoints by the name of the port. The cluster's own controller writes the new one a moment after the
    Service has it, and a proxy may learn of the two in either order, as it watches them separately: in between, every
    connection would be refused (Kubernetes: EndpointSlices).
    """
    of_bridge = f"{_MANAGED_BY}={_BRIDGE}"
    # One that a killed run left.
    _run("delete", "endpointslices", "--selector", of_bridge, "--namespace", namespace)
    own = _get("endpointslices", "--selector", f"{_SERVICE}={service}", namespace=namespace)
    bridges = [bridge(item) for item in own if any(port.get("name") != "http" for port in item.get("ports") or ())]
    try:
        if bridges:
            document = json.dumps({"apiVersion": "v1", "kind": "List", "items": bridges})
            _run("create", "--filename", "-", "--namespace", namespace, stdin=document)
        yield
        for item in own if bridges else ():
            name, wanted = item["metadata"]["name"], "--for=jsonpath={.ports[0].name}=http"
            _run("wait", f"endpointslice/{name}", wanted, "--namespace", namespace, "--timeout=50s")
    finally:
        _run("delete", "endpointslices", "--selector", of_bridge, "--namespace", namespace)


def bridge(item: Object) -> dict[str, Any]:
    """The EndpointSlice with its one port under its own name and as http, as the stack calls it. Pure."""
    return {
        "apiVersion": item["apiVersion"],
        "kind": item["kind"],
        "metadata": {
            "generateName": "adopt-",
            "labels": {_SERVICE: item["metadata"]["labels"][_SERVICE], _MANAGED_BY: _BRIDGE},
        },
        "addressType": item["addressType"],
        "endpoints": item.get("endpoints") or [],
        "ports": [*item["ports"], *({**port, "name": "http"} for port in item["ports"])],
    }


def settle(resources: Iterable[StateResource], uids: Collection[str]) -> None:
    """Gives the fields of objects with these uids to the stack alone; what only others have set goes."""
    for resource in resources:
        manager, metadata = resource.outputs.get("__fieldManager"), resource.outputs.get("metadata", {})
        if not resource.type.startswith("kubernetes:") or not manager or metadata["uid"] not in uids:
            continue
        bare = {"apiVersion": resource.outputs["apiVersion"], "kind": resource.outputs["kind"]}
        bare["metadata"] = {key: metadata[key] for key in ("name", "namespace") if metadata.get(key)}
        document = json.dumps(bare)
        for name in _rename_managers(document, manager):
            _run("apply", "--filename", "-", "--server-side", f"--field-manager={name}", stdin=document)


def _rename_managers(document: str, own: str) -> list[str]:
    """Gives the managers other than `own` of an object names of their own, which it returns."""
    attempts = 0
    while True:
        attempts += 1
        (live,) = _get("--filename", "-", "--show-managed-fields", namespace=None, stdin=document)
        entries, names = released(live["metadata"].get("managedFields") or [], own)
        if not names:
            return []
        patch = [
            # A controller may have changed the object since; then the API server refuses this, and it is read again.
            {"op": "test", "path": "/metadata/resourceVersion", "value": live["metadata"]["resourceVersion"]},
            {"op": "replace", "path": "/metadata/managedFields", "value": entries},
        ]
        try:
            _run("patch", "--filename", "-", "--type=json", "--patch", json.dumps(patch), stdin=document)
        except OpsError:
            if attempts == _ATTEMPTS:
                raise
        else:
            return names


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


def _get(*arguments: str, namespace: str | None, stdin: str | None = None) -> list[Object]:
    where = ("--namespace", namespace) if namespace else ()
    answer = json.loads(_run("get", *arguments, *where, "--output", "json", stdin=stdin))
    items: list[Object] = answer["items"] if answer["kind"] == "List" else [answer]
    return items


def _run(*arguments: str, stdin: str | None = None) -> str:
    done = cli.run("kubectl", *arguments, stdin=stdin)
    if done.returncode:
        raise OpsError(
            f"kubectl {arguments[0]} {arguments[1]} failed ({cli.last_line(done.stderr)}); 'adopt' needs the rights of "
            "who made the old set-up"
        )
    return done.stdout
