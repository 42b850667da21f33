"""The team's manifests as objects of the stack, or everything that is wrong with them. Pure."""

import copy
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from components.image.reference import ImageReference
from components.manifests.manifest import CONTAINERS, Manifest, Path, items, mapping, walk
from components.manifests.rules import refusals
from components.settings import image_rules, rules
from components.settings.problem import Problem, quoted
from components.source.placeholder import PLACEHOLDERS, is_stack_image
from components.source.source_error import SourceError
from components.source.yaml_file import Document

_LONGEST_NAME = 253
_KUSTOMIZATIONS = ("kustomization.yaml", "kustomization.yml", "Kustomization")
_OF_THE_CLUSTER = ("creationTimestamp", "generation", "managedFields", "resourceVersion", "selfLink", "uid")
"""What `kubectl get --output yaml` shows of an object, and only the API server sets."""
_VARIABLE = re.compile(r"\$(?:[A-Z_][A-Z0-9_]*|\{[A-Z_][A-Z0-9_]*\})")
"""What `envsubst` replaces; Kubernetes itself writes `$(NAME)`."""
_KEY = "gitlab-deploy:kubernetes.manifests"


@dataclass(frozen=True, kw_only=True)
class Read:
    """What the manifests say."""

    manifests: tuple[Manifest, ...]
    """In the order of the files."""
    warnings: tuple[str, ...]


@dataclass(kw_only=True)
class _Reader:
    namespace: str
    image: ImageReference
    reserved: Mapping[tuple[str, str], str]
    problems: list[Problem] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    found: dict[tuple[str, str, str], Manifest] = field(default_factory=dict)

    def add(self, where: str, cause: str, remedy: str) -> None:
        self.problems.append(Problem(path=where, cause=cause, remedy=remedy))

    def read(self, document: Document, value: object, path: Path) -> None:
        """Reads an object at a path of its document."""
        body = self._checked(document, value, path)
        if body is None:
            return
        where = document.where(*path)
        for inside, cause, remedy in refusals(body, self.namespace):
            self.add(document.where(*path, *inside), cause, remedy)
        body, own_image = self._filled(document, body, path)
        manifest = Manifest(body=body, where=where, own_image=own_image)
        if manifest.is_job and own_image:
            body["spec"].pop("ttlSecondsAfterFinished", None)
        key = (manifest.group, manifest.kind, manifest.name)
        maker = self.reserved.get((manifest.kind, manifest.name))
        if key in self.found:
            self.add(where, f"is {manifest} again, which {self.found[key].where} is too", "keep one of them")
        elif maker:
            self.add(where, f"is {manifest}, which this stack makes itself", maker)
        else:
            self.found[key] = manifest

    def _checked(self, document: Document, value: object, path: Path) -> dict[str, Any] | None:
        """A copy of the object if it is one that the cluster can know; a list of objects is read one by one."""
        where = document.where(*path)
        if document.file.rpartition("/")[2] in _KUSTOMIZATIONS:
            self.add(where, "is a kustomization, which is not built here", "name what 'kubectl kustomize' makes of it")
            return None
        if not isinstance(value, Mapping):
            self.add(where, "is no object of Kubernetes", "write a mapping with apiVersion, kind and metadata")
            return None
        kind = value.get("kind")
        if isinstance(kind, str) and kind.endswith("List") and isinstance(value.get("items"), list):
            for number, item in enumerate(value["items"]):
                self.read(document, item, (*path, "items", number))
            return None
        before = len(self.problems)
        for name in ("apiVersion", "kind"):
            if not isinstance(value.get(name), str) or not value[name]:
                self.add(document.where(*path, name), f"has no {name}", "write one, or take the document out")
        metadata = value.get("metadata")
        if not isinstance(metadata, Mapping):
            self.add(document.where(*path, "metadata"), "has no metadata", "write metadata with a name")
        elif metadata.get("name") is None and "generateName" in metadata:
            self.add(
                document.where(*path, "metadata", "generateName"),
                "has generateName, with which every run would make another object",
                "write metadata.name",
            )
        else:
            self._check_metadata(document, metadata, (*path, "metadata"))
        self._check_shape(document, value, path)
        return copy.deepcopy(dict(value)) if len(self.problems) == before else None

    def _check_metadata(self, document: Document, metadata: Mapping[str, Any], path: Path) -> None:
        name = metadata.get("name")
        at = document.where(*path, "name")
        if name is None:
            self.add(at, "has no name", "write metadata.name")
        elif not isinstance(name, str):
            self.add(at, f"has the name {quoted(name)}, which is no text", "put it in quotes")
        elif not name or len(name) > _LONGEST_NAME or {"/", "%"} & set(name) or not name.isprintable() or name in "..":
            self.add(at, f"has the name {quoted(name)}, which is no name of an object", rules.DNS_NAME.remedy)
        for field_name in ("labels", "annotations"):
            texts = metadata.get(field_name)
            if texts is not None and not isinstance(texts, Mapping):
                self.add(document.where(*path, field_name), f"has {field_name} that are no mapping", "write a mapping")
            for key, text in mapping(metadata, field_name).items():
                if not isinstance(text, str):
                    self.add(
                        document.where(*path, field_name, key),
                        f"is {quoted(text)}, and the values of {field_name} are texts",
                        "put it in quotes",
                    )

    def _check_shape(self, document: Document, value: Mapping[str, Any], path: Path) -> None:
        """What is read here has to be of its type, and texts that people forget to quote have to be texts."""
        for inside, item in walk(value):
            if not inside:
                continue
            last, at = inside[-1], document.where(*path, *inside)
            if last in CONTAINERS and isinstance(item, list) and not all(isinstance(each, Mapping) for each in item):
                self.add(at, f"has {last} that are no mappings", "write a list of mappings with name and image")
            elif last == "spec" and len(inside) == 1 and not isinstance(item, Mapping):
                self.add(at, "has a spec that is no mapping", "write a mapping")
            elif len(inside) > 2 and inside[-3::2] == ("env", "value") and isinstance(item, bool | int | float):
                self.add(at, f"is {quoted(item)}, and the value of a variable is a text", "put it in quotes")
            elif isinstance(item, str) and _VARIABLE.fullmatch(item) and not {"command", "args", "image"} & {*inside}:
                self.add(at, f"is {item!r}, and nothing but the image is replaced", "write the value itself")

    def _filled(self, document: Document, body: dict[str, Any], path: Path) -> tuple[dict[str, Any], bool]:
        """The object with the stack's namespace and image, and whether it has the image."""
        body["metadata"]["namespace"] = self.namespace
        for of_the_cluster in _OF_THE_CLUSTER:
            body["metadata"].pop(of_the_cluster, None)
        body.pop("status", None)
        own = False
        for inside, value in walk(body):
            if len(inside) < 2 or inside[-1] not in CONTAINERS:
                continue
            for number, container in enumerate(items(value)):
                image = container.get("image")
                at = document.where(*path, *inside, number, "image")
                if not isinstance(image, str) or not image:
                    self.add(
                        at, "is a container with no image", f"write an image, or {PLACEHOLDERS[0]} for the stack's"
                    )
                elif is_stack_image(image, self.image):
                    container["image"] = str(self.image)  # type: ignore[index]
                    own = True
                else:
                    self._check_image(at, image)
        return body, own

    def _check_image(self, at: str, image: str) -> None:
        try:
            reference = ImageReference.parse(image)
        except ValueError:
            remedy = f"write {PLACEHOLDERS[0]} if it stands for the stack's image, or the whole reference"
            self.add(at, f"has the image {quoted(image)}, which is no image reference", remedy)
            return
        if reference.name.lower() == "image" or not image_rules.IMMUTABLE.accepts(image):
            self.warnings.append(
                f"{at} has the image {image}, whose tag may mean another image tomorrow; name a version"
            )


def read(
    documents: Sequence[Document], namespace: str, image: ImageReference, reserved: Mapping[tuple[str, str], str]
) -> Read:
    """The objects of the documents; SourceError with every problem.

    `reserved` are the objects that the stack makes itself, by kind and name, with what to do about each.
    """
    reader = _Reader(namespace=namespace, image=image, reserved=reserved)
    for document in documents:
        reader.read(document, document.value, ())
    manifests = tuple(reader.found.values())
    if not reader.problems and not any(manifest.own_image for manifest in manifests):
        reader.add(
            _KEY,
            "names files in which no container has the stack's image",
            f"write 'image: {PLACEHOLDERS[0]}', or an image of the repository {image.name}",
        )
    if reader.problems:
        raise SourceError(*reader.problems)
    return Read(manifests=manifests, warnings=tuple(reader.warnings))
