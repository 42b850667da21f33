"""Random manifests: each is read or refused with its line, and nothing of it is outside of the namespace."""

import copy
import re
from collections.abc import Mapping
from functools import cache
from typing import Any

import yaml
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from components.image.reference import ImageReference
from components.manifests import fields, kinds, schema
from components.manifests.manifest import CONTAINERS, Path, walk
from components.manifests.order import front, order, services_of
from components.manifests.pods import annotated, pulling, secret_names, unpulled
from components.manifests.reader import Read, read
from components.settings.problem import Problem
from components.source.source_error import SourceError
from components.source.yaml_file import documents

IMAGE = ImageReference.parse("registry.example.com/group/blog:1.0.0")
SCHEMA = schema.load()
WEB = """\
apiVersion: v1
kind: Pod
metadata: {name: web}
spec: {containers: [{name: web, image: IMAGE}]}
"""
TEXTS = st.sampled_from(["web", "a.b", "1.0", "x-y", "", "80", "true"])
OTHER_TYPES: st.SearchStrategy[Any] = st.sampled_from([None, True, 7, 1.5, "x\ny", "IMAGE", [], ["a", 1], {}, {"a": 1}])
SEMANTIC = ("is a Secret with", "binds the ClusterRole", "gives rights to", "is paused", "which is no host name")
"""What is right for the schema, and is refused nevertheless."""


@cache
def values_of(name: str) -> st.SearchStrategy[Any]:
    """What a definition of the schema describes."""
    if name == fields.METADATA:
        labels = st.dictionaries(st.sampled_from(["app", "tier"]), TEXTS, max_size=2)
        return st.fixed_dictionaries({}, optional={"labels": labels, "annotations": labels})
    if name == fields.QUANTITY:
        return st.sampled_from(["500m", "1Gi", 2, 0.5])
    if name == fields.INT_OR_STRING:
        return st.sampled_from([80, "http", "50%"])
    return st.deferred(lambda: values(SCHEMA["definitions"][name]))


def values(of: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    """What a schema describes: of the fields that may be left out, at most two."""
    if "$ref" in of:
        return values_of(of["$ref"])
    if "enum" in of:
        return st.sampled_from(of["enum"])
    if "properties" in of:
        return objects(of)
    if of.get("type") == "array":
        return st.lists(values(of["items"]), max_size=2, unique_by=lambda item: keys_of(item, of))
    if of.get("type") == "object":
        item = values(of.get("additionalProperties", {}))
        return st.dictionaries(st.sampled_from(["app", "tier"]), item, max_size=2)
    numbers = st.integers(0, 2**16)
    return {"integer": numbers, "number": numbers, "boolean": st.booleans()}.get(of.get("type", ""), TEXTS)


def keys_of(item: Any, of: Mapping[str, Any]) -> str:
    """What no two items of a list may share."""
    names = of.get("x-kubernetes-list-map-keys")
    return str([item.get(name, "TCP") for name in names]) if names else repr(id(item))


@st.composite
def objects(draw: st.DrawFn, of: Mapping[str, Any]) -> Any:
    """A mapping with properties."""
    optional = sorted(of["properties"].keys() - {*of.get("required", ())} - {"apiVersion", "kind", "status"})
    some = draw(st.lists(st.sampled_from(optional), max_size=2, unique=True)) if optional else []
    # That of a volume is a mapping.
    images = {name for name, given in of["properties"].items() if name == "image" and given.get("type") == "string"}
    return {
        name: draw(st.sampled_from(["IMAGE", "nginx:1.27"]) if name in images else values(of["properties"][name]))
        for name in (*of.get("required", ()), *some)
    }


@st.composite
def manifests(draw: st.DrawFn) -> Any:
    """An object of a kind of Kubernetes' own that fits its schema."""
    version, kind = draw(st.sampled_from(sorted(SCHEMA["kinds"]))).split()
    found = draw(values_of(SCHEMA["kinds"][f"{version} {kind}"]))
    metadata = {"name": draw(st.sampled_from(["web-1", "db", "a"])), **(found.get("metadata") or {})}
    made = {"apiVersion": version, "kind": kind, **found, "metadata": metadata}
    for _, value in walk(made):
        for key in {*CONTAINERS} & {*value} if isinstance(value, dict) else ():
            for container in value[key]:
                container.setdefault("image", "IMAGE")
    return made


def read_or_refused(text: str) -> list[Problem] | Read:
    """What the reader makes of a file: its problems, or its objects."""
    try:
        return read(documents(text, "random.yml", "yaml 1.1"), SCHEMA, "example", IMAGE, {})
    except SourceError as error:
        return list(error.problems)


def dumped(value: Any, style: bool | None) -> str:
    return f"{WEB}---\n{yaml.dump(value, Dumper=yaml.CSafeDumper, default_flow_style=style)}"


def line_of(text: str, path: Path) -> int:
    """The line of a value in the last document, as PyYAML has it; of one in a mapping that of its key."""
    *_, node = yaml.compose_all(text, Loader=yaml.SafeLoader)
    line = node.start_mark.line
    for step in path:
        if isinstance(node, yaml.MappingNode):
            key, node = next((key, item) for key, item in node.value if key.value == step)
            line = key.start_mark.line
        else:
            node = node.value[step]
            line = node.start_mark.line
    return line + 1


def require_sound(found: list[Problem] | Read, text: str) -> None:
    """Problems have a line of the file and a remedy; objects are in the namespace, and the component can ask them."""
    if isinstance(found, list):
        assert found
        for problem in found:
            where = re.fullmatch(r"random\.yml:([0-9]+)|gitlab-deploy:kubernetes\.manifests", problem.path)
            assert where, problem.path
            assert where[1] is None or 1 <= int(where[1]) <= len(text.splitlines())
            assert problem.remedy
            assert "\n" not in str(problem)
        return
    assert any(item.own_image for item in found.manifests)
    for item in found.manifests:
        assert item.body["metadata"]["namespace"] == "example"
        assert not kinds.is_cluster_wide(item.api_version, item.kind)
        services_of(item, found.manifests)
        annotated(item.body, item, {"a": "b"})
        pulling(item.body, unpulled(item, found.manifests).paths, [{"name": "x"}])
        assert all(isinstance(name, str) for name in secret_names(item.pod))
    ordered = order(found.manifests)
    assert {*ordered.first, *ordered.others, *ordered.jobs, *ordered.last} == set(found.manifests)
    front(found.manifests)


@st.composite
def changed(draw: st.DrawFn) -> tuple[Any, Path | None, str]:
    """An object with one thing that is wrong, where that is, and what has to be said of it; None if nothing is."""
    made = draw(manifests())
    how = draw(st.sampled_from(["right", "namespace", "cluster-wide", "type", "field", "image", "anything"]))
    event(how)
    body = copy.deepcopy(made)
    if how == "namespace":
        body["metadata"]["namespace"] = draw(st.sampled_from(["other", "kube-system", "${NAMESPACE}", 7]))
        return body, ("metadata", "namespace"), ""
    if how == "cluster-wide":
        body |= draw(st.sampled_from([{"apiVersion": "v1", "kind": "Namespace"}, {"apiVersion": "v1", "kind": "Node"}]))
        return body, ("kind",), "is a N"
    if how == "field":
        inside = draw(st.sampled_from([(), ("metadata",)]))
        (body["metadata"] if inside else body)["annotation" if inside else "metdata"] = {"a": "b"}
        return body, (*inside, "annotation" if inside else "metdata"), "is the field"
    images = [path for path, _ in walk(body) if path[-1:] == ("image",) and path[-3] in CONTAINERS]
    typed = [
        path
        for path, value in walk(body)
        if len(path) > 1 and path[0] != "metadata" and value is not None and made["kind"] != "Secret"
    ]
    if (how == "image" and images) or (how in {"type", "anything"} and typed):
        path = draw(st.sampled_from(images if how == "image" else typed))
        above = body
        for step in path[:-1]:
            above = above[step]
        if how == "anything":
            above[path[-1]] = draw(OTHER_TYPES)
            return body, None, ""
        wrong = "x y" if isinstance(above[path[-1]], list) else [1]
        above[path[-1]] = "$CI_REGISTRY_IMAGE:$TAG" if how == "image" else wrong
        return body, None if how == "type" and is_free(made, path) else path, "" if how == "type" else "has the image"
    return body, None, "right"


def is_free(body: Any, path: Path) -> bool:
    """Whether anything may be at a path: `data` of a ControllerRevision, parameters of a driver."""
    of = SCHEMA["definitions"][SCHEMA["kinds"][f"{body['apiVersion']} {body['kind']}"]]
    for step in path:
        of = SCHEMA["definitions"][of["$ref"]] if "$ref" in of else of
        of = (
            of["items"] if isinstance(step, int) else of.get("properties", {}).get(step, of.get("additionalProperties"))
        )
        if of is None:
            return True
    of = SCHEMA["definitions"][of["$ref"]] if "$ref" in of else of
    return "type" not in of or of == {"type": "object"}


@settings(max_examples=1000, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(changed(), st.sampled_from([None, False, True]))
def test_random_objects_are_read_or_refused_with_the_line_that_is_wrong(
    what: tuple[Any, Path | None, str], style: bool | None
) -> None:
    body, path, said = what
    text = dumped(body, style)
    found = read_or_refused(text)
    event("refused" if isinstance(found, list) else "read")
    require_sound(found, text)
    if path is not None:
        assert isinstance(found, list), text
        wanted = f"random.yml:{line_of(text, path)}"
        assert any(problem.path == wanted and said in str(problem) for problem in found), (found, wanted)
    elif said == "right" and isinstance(found, list):
        assert all(any(word in str(problem) for word in SEMANTIC) for problem in found), found


ANYTHING: st.SearchStrategy[Any] = st.recursive(
    OTHER_TYPES,
    lambda below: (
        st.lists(below, max_size=3)
        | st.dictionaries(
            st.sampled_from(["apiVersion", "kind", "metadata", "spec", "items", "name", ""]), below, max_size=4
        )
    ),
    max_leaves=8,
)


@settings(max_examples=200)
@given(ANYTHING, st.sampled_from([None, False, True]))
def test_anything_that_is_yaml_is_read_or_refused_with_a_line_of_the_file(value: Any, style: bool | None) -> None:
    text = dumped(value, style)
    require_sound(read_or_refused(text), text)


@settings(max_examples=50)
@given(st.integers(0, 30), st.integers(1, 3))
def test_line_of_a_problem_is_the_line_of_its_value(before: int, documents_before: int) -> None:
    good = "---\nkind: ConfigMap\napiVersion: v1\nmetadata:\n  name: {}\n# comment\n"
    text = "".join(good.format(f"x{number}") for number in range(documents_before)) + "\n" * before
    text += "---\nkind: ConfigMap\napiVersion: v1\nmetadata:\n  name: bad\n  namespace: other\n"
    found = read_or_refused(text)
    assert isinstance(found, list)
    [problem] = found
    assert text.splitlines()[int(problem.path.rpartition(":")[2]) - 1] == "  namespace: other"
