"""An object of the team's manifests. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from components.manifests.kinds import group_of
from components.source.yaml_file import Document

Path = tuple[str | int, ...]

_POD_SPECS: Mapping[tuple[str, str], Path] = {
    ("", "Pod"): ("spec",),
    ("", "PodTemplate"): ("template", "spec"),
    ("", "ReplicationController"): ("spec", "template", "spec"),
    ("apps", "DaemonSet"): ("spec", "template", "spec"),
    ("apps", "Deployment"): ("spec", "template", "spec"),
    ("apps", "ReplicaSet"): ("spec", "template", "spec"),
    ("apps", "StatefulSet"): ("spec", "template", "spec"),
    ("batch", "CronJob"): ("spec", "jobTemplate", "spec", "template", "spec"),
    ("batch", "Job"): ("spec", "template", "spec"),
}
_WATCHED = ("Deployment", "StatefulSet", "DaemonSet")
CONTAINERS = ("containers", "initContainers", "ephemeralContainers")


@dataclass(frozen=True, kw_only=True, eq=False)
class Manifest:
    """One object, as it is given to the cluster but for what the stack adds."""

    body: Mapping[str, Any]
    """All of it, with the stack's image and namespace."""
    document: Document
    """Where it is written."""
    path: Path = ()
    """Where in the document: one of a list is not at the top."""
    filled: tuple[Path, ...] = ()
    """Where in it the stack's image is."""

    @property
    def own_image(self) -> bool:
        """Whether it runs the stack's image, or mounts it."""
        return bool(self.filled)

    @property
    def where(self) -> str:
        """FILE:LINE of it."""
        return self.line_of()

    def line_of(self, *inside: str | int) -> str:
        """FILE:LINE of what is in it; if there is nothing, of the nearest that it would be in."""
        return self.document.where(*self.path, *inside)

    @property
    def api_version(self) -> str:
        """Such as `apps/v1`."""
        return str(self.body["apiVersion"])

    @property
    def kind(self) -> str:
        """Such as `Deployment`."""
        return str(self.body["kind"])

    @property
    def name(self) -> str:
        """Its name."""
        return str(self.body["metadata"]["name"])

    @property
    def group(self) -> str:
        """Its API group."""
        return group_of(self.api_version)

    def is_a(self, kind: str, group: str = "") -> bool:
        """Whether it is of a kind, of the core API group if none is given: other groups have kinds of that name too."""
        return (self.group, self.kind) == (group, kind)

    @property
    def is_watched(self) -> bool:
        """Whether it is a workload whose rollout is watched."""
        return self.group == "apps" and self.kind in _WATCHED

    @property
    def is_job(self) -> bool:
        """Whether it runs once."""
        return self.is_a("Job", "batch")

    @property
    def pod_path(self) -> Path | None:
        """Where the spec of its Pods is; None if it has none."""
        return _POD_SPECS.get((self.group, self.kind))

    @property
    def pod(self) -> Mapping[str, Any]:
        """The spec of its Pods; empty if it has none."""
        return mapping(self.body, *self.pod_path) if self.pod_path else {}

    @property
    def pod_labels(self) -> Mapping[str, Any]:
        """The labels of its Pods."""
        return mapping(self.body, *self.pod_path[:-1], "metadata", "labels") if self.pod_path else {}

    @property
    def images(self) -> Mapping[str, str]:
        """The images of its Pods' containers, by the container's name."""
        return {str(item.get("name")): str(item.get("image")) for item in containers(self.pod)}

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


def mapping(value: object, *path: str | int) -> Mapping[str, Any]:
    """The mapping at a path; empty if there is none."""
    for step in path:
        value = item_at(value, step)
    return value if isinstance(value, Mapping) else {}


def item_at(value: object, step: str | int) -> object:
    """What is in a mapping by its key, or in a list by its number; None if there is none."""
    if isinstance(value, Mapping):
        return value.get(step)
    return value[step] if isinstance(value, list) and isinstance(step, int) and step < len(value) else None


def items(value: object) -> list[Mapping[str, Any]]:
    """The mappings of a list; none if it is no list."""
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def containers(pod: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """All containers of the spec of a Pod."""
    return [item for key in CONTAINERS for item in items(pod.get(key))]


def walk(value: object, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Everything in a value, with its path."""
    yield path, value
    inside = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inside:
        yield from walk(item, (*path, key))
