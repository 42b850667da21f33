"""What Pods of the manifests use, and what the stack adds to them. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from components.manifests.manifest import Manifest, containers, items, mapping


def secret_names(pod: Mapping[str, Any]) -> Iterator[str]:
    """The Secrets that the spec of a Pod uses for variables and volumes."""
    for container in containers(pod):
        for variable in items(container.get("env")):
            yield from _text(mapping(variable, "valueFrom", "secretKeyRef"), "name")
        for source in items(container.get("envFrom")):
            yield from _text(mapping(source, "secretRef"), "name")
    for volume in items(pod.get("volumes")):
        yield from _text(mapping(volume, "secret"), "secretName")
        for source in items(mapping(volume, "projected").get("sources")):
            yield from _text(mapping(source, "secret"), "name")


def image_pull_secrets(manifest: Manifest, manifests: Sequence[Manifest]) -> bool:
    """Whether the Pods of an object, or their ServiceAccount, name Secrets to pull images with.

    Those of the ServiceAccount reach only Pods that name none (Kubernetes: ServiceAccount admission controller).
    """
    account = manifest.pod.get("serviceAccountName") or "default"
    accounts = [item for item in manifests if item.kind == "ServiceAccount" and item.name == account]
    return bool(manifest.pod.get("imagePullSecrets") or any(item.body.get("imagePullSecrets") for item in accounts))


def changed_pod(
    body: Mapping[str, Any],
    manifest: Manifest,
    annotations: Mapping[str, Any],
    pull_secrets: Sequence[Mapping[str, Any]],
) -> Mapping[str, Any]:
    """The object with more annotations on its Pods, and with Secrets to pull their images with."""
    path = manifest.pod_path
    if path is None or not (annotations or pull_secrets):
        return body
    pod = {**manifest.pod, **({"imagePullSecrets": list(pull_secrets)} if pull_secrets else {})}
    body = _put(body, path, pod)
    if not annotations:
        return body
    at = (*path[:-1], "metadata", "annotations")
    return _put(body, at, {**mapping(body, *at), **annotations})


def _put(body: Mapping[str, Any], path: Sequence[str | int], value: object) -> Mapping[str, Any]:
    """A copy with another value at the path."""
    if not path:
        return value  # type: ignore[return-value]
    key, *below = path
    return {**body, str(key): _put(mapping(body, key), below, value)}


def _text(reference: Mapping[str, Any], key: str) -> Iterator[str]:
    if isinstance(reference.get(key), str):
        yield reference[key]
