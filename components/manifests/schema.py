"""The fields of the kinds of Kubernetes' own API, and their types: its OpenAPI document, as far as manifests need it.

`schema.json` is what the API server of the sandbox says, and is made by
`kubectl get --raw /openapi/v2 | python -m components.manifests.schema >components/manifests/schema.json`.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from components.manifests import kinds
from components.manifests.fields import METADATA, Schema

_KEPT = ("type", "additionalProperties", "items", "required", "enum", "x-kubernetes-list-map-keys")
_PREFIXES = ("#/definitions/", "io.k8s.apimachinery.pkg.apis.", "io.k8s.apimachinery.pkg.", "io.k8s.api.")
_OF_THE_CLUSTER = ("managedFields", "status")
"""Properties that nobody writes."""


@cache
def load() -> Schema:
    """The schema that belongs to this version."""
    schema: Schema = json.loads(Path(__file__).with_name("schema.json").read_text())
    return schema


def trimmed(document: Mapping[str, Any]) -> Schema:
    """What is needed of an OpenAPI document, version 2."""
    found = {_short(name): _kept(definition) for name, definition in document["definitions"].items()}
    names = {
        " ".join((f"{of['group']}/{of['version']}".lstrip("/"), of["kind"])): _short(name)
        for name, definition in document["definitions"].items()
        for of in definition.get("x-kubernetes-group-version-kind", ())
    }
    known = {kind: name for kind, name in sorted(names.items()) if kinds.is_known(*kind.split())}
    needed: dict[str, Any] = {}
    open_ones = [*known.values(), METADATA]
    while open_ones:
        name = open_ones.pop()
        if name not in needed:
            needed[name] = found[name]
            open_ones += _references(found[name])
    return {"kinds": known, "definitions": dict(sorted(needed.items()))}


def text(schema: Schema) -> str:
    """The schema as it is stored: a line for each definition."""
    lines = ",\n".join(
        f"{json.dumps(name)}: {json.dumps(definition, separators=(',', ':'), sort_keys=True)}"
        for name, definition in schema["definitions"].items()
    )
    return f'{{"kinds": {json.dumps(schema["kinds"])},\n"definitions": {{\n{lines}\n}}}}\n'


def _kept(value: Any) -> Any:  # noqa: ANN401 - JSON
    if not isinstance(value, dict):
        return value
    if "$ref" in value:
        return {"$ref": _short(value["$ref"])}
    kept = {key: _kept(value[key]) for key in _KEPT if key in value}
    if "properties" in value:
        kept["properties"] = {
            name: {} if name in _OF_THE_CLUSTER else _kept(item) for name, item in value["properties"].items()
        }
    return kept


def _references(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            if key == "$ref":
                yield item
            else:
                yield from _references(item)


def _short(name: str) -> str:
    for prefix in _PREFIXES:
        name = name.removeprefix(prefix)
    return name


if __name__ == "__main__":
    sys.stdout.write(text(trimmed(json.load(sys.stdin))))
