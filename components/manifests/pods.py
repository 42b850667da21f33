"""What Pods of the manifests use, and what the stack adds to them. Pure."""

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

from components.manifests.manifest import CONTAINERS, Manifest, Path, containers, item_at, items, mapping, walk


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


@dataclass(frozen=True, kw_only=True)
class Unpulled:
    """What of an object has the stack's image, and no Secret to pull it with."""

    paths: tuple[Path, ...] = ()
    """Where the specs of its Pods are."""
    unknown: bool = False
    """Whether there is more of it, where the API of a custom resource alone knows how its Pods are described."""


def unpulled(manifest: Manifest, manifests: Sequence[Manifest]) -> Unpulled:
    """What of an object Secrets to pull its image with have to be added to.

    Those of a ServiceAccount reach only Pods that name none (Kubernetes: ServiceAccount admission controller).
    """
    accounts = {item.name for item in manifests if item.is_a("ServiceAccount") and item.body.get("imagePullSecrets")}
    specs = {path: _spec_above(manifest, path) for path in manifest.filled}
    found = dict.fromkeys(spec for spec in specs.values() if spec is not None)
    return Unpulled(
        paths=tuple(spec for spec in found if not _names_some(mapping(manifest.body, *spec), accounts)),
        unknown=None in specs.values() and not _names_any(manifest.body, accounts),
    )


def annotated(body: Mapping[str, Any], manifest: Manifest, annotations: Mapping[str, Any]) -> Mapping[str, Any]:
    """The object with more annotations on its Pods."""
    if manifest.pod_path is None or not annotations:
        return body
    at = (*manifest.pod_path[:-1], "metadata", "annotations")
    return _put_into(body, at, annotations)


def pulling(
    body: Mapping[str, Any], paths: Sequence[Path], pull_secrets: Sequence[Mapping[str, Any]]
) -> Mapping[str, Any]:
    """The object with Secrets to pull the images of its Pods with, the specs of which are at the paths."""
    for path in paths if pull_secrets else ():
        body = _put_into(body, path, {"imagePullSecrets": list(pull_secrets)})
    return body


def _spec_above(manifest: Manifest, image: Path) -> Path | None:
    """Where the spec of the Pod is that an image is in; None if that is not known of a custom resource."""
    if manifest.pod_path:
        return manifest.pod_path
    above = [image[:length] for length in range(len(image)) if image[length] in (*CONTAINERS, "volumes")]
    specs = [path for path in above if path[-1:] == ("spec",) and "containers" in mapping(manifest.body, *path)]
    return specs[-1] if specs else None


def _names_some(pod: Mapping[str, Any], accounts: Set[str]) -> bool:
    """Whether the spec of a Pod, or its ServiceAccount, names Secrets to pull images with."""
    return bool(pod.get("imagePullSecrets")) or str(pod.get("serviceAccountName") or "default") in accounts


def _names_any(body: Mapping[str, Any], accounts: Set[str]) -> bool:
    """Whether anything in an object does so."""
    named = [(path[-1], value) for path, value in walk(body) if path]
    users = [value for key, value in named if key == "serviceAccountName"] or ["default"]
    return any(key == "imagePullSecrets" and value for key, value in named) or not accounts.isdisjoint(map(str, users))


def _put_into(body: Mapping[str, Any], path: Path, more: Mapping[str, Any]) -> Mapping[str, Any]:
    """A copy of the object with more keys in the mapping at the path."""
    changed: dict[str, Any] = {**_changed(body, path, {**mapping(body, *path), **more})}
    return changed


def _changed(value: object, path: Path, to: object) -> Any:  # noqa: ANN401 - of any form
    if not path:
        return to
    item = _changed(item_at(value, path[0]), path[1:], to)
    if isinstance(value, list):
        return [item if number == path[0] else other for number, other in enumerate(value)]
    return {**(value if isinstance(value, Mapping) else {}), path[0]: item}


def _text(reference: Mapping[str, Any], key: str) -> Iterator[str]:
    if isinstance(reference.get(key), str):
        yield reference[key]
