"""The team's manifests as objects of the stack, or everything that is wrong with them. Pure."""

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from components.image.reference import ImageReference
from components.manifests import images, names, unfilled
from components.manifests.fields import Fields, Finding, Schema, wrong_type
from components.manifests.kinds import is_own
from components.manifests.manifest import Manifest, Path, mapping
from components.manifests.rules import refusals, refused_kind
from components.settings import image_rules
from components.settings.problem import Problem
from components.source.placeholder import PLACEHOLDERS, is_stack_image, no_reference
from components.source.source_error import SourceError
from components.source.yaml_file import Document

_CHARTS = ("Chart.yaml", "Chart.yml", "values.yaml", "values.yml")
_KUSTOMIZATIONS = ("kustomization.yaml", "kustomization.yml", "Kustomization")
_OF_THE_CLUSTER = ("creationTimestamp", "generation", "managedFields", "resourceVersion", "selfLink", "uid")
"""What `kubectl get --output yaml` shows of an object, and only the API server sets."""
_ANNOTATIONS_OF_THE_CLUSTER = (
    *("deployment.kubernetes.io/revision", "deprecated.daemonset.template.generation"),
    "kubectl.kubernetes.io/last-applied-configuration",
)
_DROPPED = ("binaryData", "data", "stringData")
_TYPE = {"apiVersion": "'v1' or 'apps/v1'", "kind": "'Deployment'"}
"""What each object has to say, with examples."""
_SHOWN = 5
_KEY = "gitlab-deploy:kubernetes.manifests"


@dataclass(frozen=True, kw_only=True)
class Read:
    """What the manifests say."""

    manifests: tuple[Manifest, ...]
    """In the order of the files."""
    warnings: tuple[str, ...]


@dataclass(kw_only=True)
class _Reader:
    schema: Schema
    namespace: str
    image: ImageReference
    reserved: Mapping[tuple[str, str], str]
    problems: list[Problem] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    """Images that are not the stack's, and where they are."""
    found: dict[tuple[str, str, str], Manifest] = field(default_factory=dict)

    def add(self, where: str, cause: str, remedy: str) -> None:
        self.problems.append(Problem(path=where, cause=_one_line(cause), remedy=_one_line(remedy)))

    def warn(self, where: str, text: str) -> None:
        self.warnings.append(_one_line(f"{where} {text}"))

    def read(self, document: Document, value: object, path: Path) -> None:
        """Reads an object at a path of its document."""
        if isinstance(value, Mapping) and _is_list(value):
            for number, item in enumerate(value.get("items") or ()):
                self.read(document, item, (*path, "items", number))
            return
        body = self._checked(document, value, path)
        if body is None:
            return
        where = document.where(*path)
        body, filled = self._filled(document, body, path)
        manifest = Manifest(body=body, document=document, path=path, filled=filled)
        if manifest.is_job and isinstance(body.get("spec"), dict):
            # A Job that the cluster has removed cannot be told from one that did not run.
            body["spec"].pop("ttlSecondsAfterFinished", None)
        key = (manifest.group, manifest.kind, manifest.name)
        # What the stack makes itself is of Kubernetes' own kinds.
        maker = self.reserved.get((manifest.kind, manifest.name)) if is_own(manifest.api_version) else None
        if key in self.found:
            self.add(where, f"is {manifest} again, which {self.found[key].where} is too", "keep one of them")
        elif maker:
            self.add(where, f"is {manifest}, which this stack makes itself", maker)
        else:
            self.found[key] = manifest

    def _checked(self, document: Document, value: object, path: Path) -> dict[str, Any] | None:
        """A copy of the object if it is one that the cluster can know."""
        before = len(self.problems)
        refused = _no_object(document.file, value)
        if refused:
            self.add(document.where(*path), *refused)
            return None
        body = cast("Mapping[str, Any]", value)
        for name, such in _TYPE.items():
            given = body.get(name)
            if given is None or given == "":
                self.add(document.where(*path, name), f"has no {name}", "write one, or take the document out")
            elif not isinstance(given, str):
                cause, _ = wrong_type(given, "string", (name,))
                self.add(document.where(*path, name), cause, f"write one, such as {such}")
        if len(self.problems) > before:
            return None
        kind = refused_kind(body, self.namespace)
        if kind:
            self.add(document.where(*path, *kind[0]), *kind[1:])
            return None
        fields = Fields(schema=self.schema)
        fields.check(body)
        named = [*names.findings(body)]
        at: set[Path] = set()
        # What is to be filled in is neither a number nor a name yet, and nothing else is said of it.
        for checks in (
            _unnamed(body),
            unfilled.refused(body, fields.no_text | {inside for inside, *_ in named}),
            fields.problems,
            named,
            refusals(body, self.namespace),
        ):
            found = [finding for finding in checks if finding[0] not in at]
            at |= {inside for inside, *_ in found}
            for inside, cause, remedy in found:
                self.add(document.where(*path, *inside), cause, remedy)
        for inside, text in (*fields.warnings, *unfilled.warned(body)):
            self.warn(document.where(*path, *inside), text)
        if len(self.problems) == before:
            return copy.deepcopy(dict(body))
        # What is wrong with its images is reported at once too.
        self._filled(document, copy.deepcopy({**body, "metadata": {}}), path)
        return None

    def _filled(self, document: Document, body: dict[str, Any], path: Path) -> tuple[dict[str, Any], tuple[Path, ...]]:
        """The object with the stack's namespace and image, and where in it the image is."""
        own_kind = is_own(body["apiVersion"])
        # The status of a custom resource may be anything, unless the object is a copy of what the cluster shows.
        if own_kind or not body["metadata"].keys().isdisjoint(_OF_THE_CLUSTER):
            body.pop("status", None)
        body["metadata"]["namespace"] = self.namespace
        for of_the_cluster in _OF_THE_CLUSTER:
            body["metadata"].pop(of_the_cluster, None)
        for annotation in _ANNOTATIONS_OF_THE_CLUSTER:
            (body["metadata"].get("annotations") or {}).pop(annotation, None)
        for empty in [key for key in _DROPPED if own_kind and key in body and not body[key]]:
            # The API server leaves it out, and every run would add it again.
            del body[empty]
        filled: list[Path] = []
        for inside, holder in images.places(body):
            image, at = holder.get(inside[-1]), document.where(*path, *inside)
            if isinstance(image, str) and image and is_stack_image(image, self.image):
                holder[inside[-1]] = str(self.image)
                filled.append(inside)
            elif not own_kind:
                # What another API means by the word is its own affair.
                continue
            elif isinstance(image, str) and image:
                self.others.append(f"{image} ({at})")
                self._check_image(at, image)
            elif images.is_container(inside[:-1]):
                remedy = (
                    f"write an image, or {PLACEHOLDERS[0]} for the stack's; if it is a patch, name what 'kubectl "
                    "kustomize' makes of it"
                )
                self.add(at, "is a container with no image", remedy)
        return body, tuple(filled)

    def _check_image(self, at: str, image: str) -> None:
        try:
            reference = ImageReference.parse(image)
        except ValueError:
            self.add(at, *no_reference(image))
            return
        if reference.name.lower() == "image" or not image_rules.IMMUTABLE.accepts(image):
            self.warn(at, f"has the image {image}, whose tag may mean another image tomorrow; name a version")


def read(
    documents: Sequence[Document],
    schema: Schema,
    namespace: str,
    image: ImageReference,
    reserved: Mapping[tuple[str, str], str],
) -> Read:
    """The objects of the documents; SourceError with every problem.

    `schema` has the fields of Kubernetes' own kinds; `reserved` are the objects that the stack makes itself, by kind
    and name, with what to do about each.
    """
    reader = _Reader(schema=schema, namespace=namespace, image=image, reserved=reserved)
    for document in documents:
        reader.read(document, document.value, ())
    manifests = tuple(reader.found.values())
    if not reader.problems and not any(manifest.own_image for manifest in manifests):
        others = "".join(f", {other}" for other in reader.others[:_SHOWN])
        reader.add(
            _KEY,
            f"names files in which no container has the image of {image.name}",
            f"write 'image: {PLACEHOLDERS[0]}' for it{f' in place of one of these{others}' if others else ''}",
        )
    if reader.problems:
        raise SourceError(*reader.problems)
    return Read(manifests=manifests, warnings=tuple(reader.warnings))


def _one_line(text: str) -> str:
    """The text without the line breaks that keys and values of a file may have."""
    return "".join(character if character.isprintable() else " " for character in text)


def _is_list(value: Mapping[str, Any]) -> bool:
    """Whether it is a list of objects, as `kubectl get --output yaml` prints several; such a one has no name."""
    kind, within = value.get("kind"), value.get("items")
    if kind == "List":
        return isinstance(within, list | None)
    is_named = "name" in mapping(value, "metadata")
    return isinstance(kind, str) and kind.endswith("List") and isinstance(within, list) and not is_named


def _no_object(file: str, value: object) -> tuple[str, str] | None:
    """Why a document is no object of Kubernetes, and what to do; None if it is one."""
    name = file.rpartition("/")[2]
    if not isinstance(value, Mapping):
        return "is no object of Kubernetes", "write a mapping with apiVersion, kind and metadata"
    if name in _KUSTOMIZATIONS and "kind" not in value:
        return "is a kustomization, which is not built here", "name what 'kubectl kustomize' makes of it"
    if name in _CHARTS and "kind" not in value:
        return "is of a Helm chart, which is not built here", "name what 'helm template' makes of the chart"
    if (value.get("apiVersion"), value.get("kind")) == ("v1", "Config"):
        return "is a kubeconfig", "take it out of kubernetes.manifests"
    if not {"apiVersion", "kind", "metadata"} & value.keys():
        return (
            "has no apiVersion, kind and metadata, so that it is no object of Kubernetes",
            "take it out of kubernetes.manifests",
        )
    return None


def _unnamed(body: Mapping[str, Any]) -> Iterator[Finding]:
    """What an object needs that has no name."""
    metadata = body.get("metadata")
    if metadata is None:
        yield ("metadata",), "has no metadata", "write metadata with a name"
    elif isinstance(metadata, Mapping) and metadata.get("name") is None:
        if "generateName" in metadata:
            cause = "has generateName, with which every run would make another object"
            yield ("metadata", "generateName"), cause, "write metadata.name"
        else:
            yield ("metadata", "name"), "has no name", "write metadata.name"
