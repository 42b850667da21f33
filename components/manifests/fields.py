"""Whether an object has the fields of its kind, with values of their types. Pure.

The schema is that of one version of Kubernetes, the one that the provider has. A field that the provider does not know
it leaves out of what it sends (seen with pulumi-kubernetes 4.25), so that such a field is refused. A choice it sends:
the cluster, which may be newer, is the judge of one that is unknown here and not surely misspelt. In lists whose items
have names no name is there twice (Kubernetes: Server-Side Apply, merge strategy).
"""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from components.manifests.manifest import Path
from components.manifests.misspelt import misspelt
from components.settings.problem import quoted

METADATA = "meta.v1.ObjectMeta"
QUANTITY = "api.resource.Quantity"
"""A text in the schema, and a number is taken too (Kubernetes: resource.Quantity, UnmarshalJSON)."""
INT_OR_STRING = "util.intstr.IntOrString"

Schema = Mapping[str, Any]
"""`kinds` has the name of a definition by `VERSION KIND`; `definitions` are schemas by name, which each `$ref` is."""
Finding = tuple[Path, str, str]
"""Where in the object, what is wrong, and what to do."""

_WORDS = {
    "string": "a text",
    "integer": "a number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
}
_DEFAULTS = {"protocol": "TCP"}
"""Of keys by which items of a list are told apart."""
_OPTIONAL = {("rbac.v1.RoleRef", "apiGroup"), ("core.v1.HTTPHeader", "value")}
"""What the schema requires and the API server does not: it has a default."""
_LATER = "in Kubernetes 1.35; a cluster that does not have it refuses it"
_BACKEND = "write 'service: {name: NAME, port: {number: PORT}}' in its place"
_MOVED = {
    ("networking.v1.IngressBackend", "serviceName"): _BACKEND,
    ("networking.v1.IngressBackend", "servicePort"): _BACKEND,
    ("autoscaling.v2.HorizontalPodAutoscalerSpec", "targetCPUUtilizationPercentage"): (
        "write 'metrics', or use the apiVersion autoscaling/v1"
    ),
}
"""What to write for fields of versions that are no more, by definition."""


@dataclass(kw_only=True)
class Fields:
    """What is wrong with the fields of an object."""

    schema: Schema
    problems: list[Finding] = field(default_factory=list)
    warnings: list[tuple[Path, str]] = field(default_factory=list)
    """Choices that there may be in a newer version of Kubernetes."""
    no_text: set[Path] = field(default_factory=set)
    """Where the API takes numbers, quantities, ports or choices, and no text of one's own."""

    def check(self, body: Mapping[str, Any]) -> None:
        """Checks an object that has apiVersion and kind; of a custom resource the metadata alone."""
        name = self.schema["kinds"].get(f"{body['apiVersion']} {body['kind']}")
        # What the cluster sets is left out, and the values of a Secret are refused whatever they are.
        left_out = {"status"} | (
            {"data", "stringData"} if (body["apiVersion"], body["kind"]) == ("v1", "Secret") else set()
        )
        if name is None:
            self._value(body.get("metadata"), {"$ref": METADATA}, ("metadata",), ())
        else:
            self._value({key: body[key] for key in body if key not in left_out}, {"$ref": name}, (), ())

    def _value(self, value: object, of: Mapping[str, Any], path: Path, above: Sequence[tuple[str, str]]) -> None:
        """`above` are the definitions that the value is in, each with the field that leads to it, the nearest last."""
        if value is None:
            return
        name = of.get("$ref", "")
        if name:
            of = self.schema["definitions"][name]
        expected = of.get("type")
        if name in {QUANTITY, INT_OR_STRING} or "enum" in of or expected in {"integer", "number", "boolean"}:
            self.no_text.add(path)
        if name in {QUANTITY, INT_OR_STRING} and _is_number(value):
            return
        if expected is not None and not _is(value, expected):
            self.problems.append((path, *wrong_type(value, expected, path)))
        elif isinstance(value, Mapping):
            self._mapping(value, of, path, [*above, (str(path[-1]) if path else "the top", name)])
        elif isinstance(value, list):
            for number, item in enumerate(value):
                self._value(item, of.get("items", {}), (*path, number), above)
            self.problems += _twice(value, of.get("x-kubernetes-list-map-keys", ()), path)
        elif isinstance(value, str) and value not in of.get("enum", [value]):
            near = misspelt(value, of["enum"])
            if near:
                self.problems.append((path, f"is {quoted(value)}", f"write {near}"))
            else:
                choices = ", ".join(choice for choice in of["enum"] if choice)
                self.warnings.append((path, f"is {quoted(value)}, and {_named(path)} is one of {choices} {_LATER}"))

    def _mapping(
        self, value: Mapping[str, Any], of: Mapping[str, Any], path: Path, above: Sequence[tuple[str, str]]
    ) -> None:
        fields = of.get("properties")
        for key, item in value.items():
            if fields is None:
                self._value(item, of.get("additionalProperties", {}), (*path, key), above)
            elif key in fields:
                self._value(item, fields[key], (*path, key), above)
            else:
                self._unknown((*path, key), fields, above)
        for key in of.get("required", ()):
            if value.get(key) is None and (above[-1][1], key) not in _OPTIONAL:
                self.problems.append((path, f"has no {key}", f"write {key}{_choices((fields or {}).get(key, {}))}"))

    def _unknown(self, path: Path, fields: Mapping[str, Any], above: Sequence[tuple[str, str]]) -> None:
        key, of = str(path[-1]), above[-1][1]
        cause = f"is the field {quoted(key)}, which {of.rpartition('.')[2]} does not have"
        near = misspelt(key, fields)
        remedy = _MOVED.get((of, key)) or (f"did you mean {near}?" if near else None)
        if remedy is None:
            cause, remedy = f"{cause} in Kubernetes 1.35", self._place(key, fields, above)
        self.problems.append((path, cause, remedy))

    def _place(self, key: str, fields: Mapping[str, Any], above: Sequence[tuple[str, str]]) -> str:
        """Where a field may belong that is not where it is, or that it has to go."""
        below = [name for name, of in fields.items() if key in self._properties(of.get("items", of).get("$ref"))]
        if below:
            return f"move it into {' or '.join(below)}"
        for name, definition in reversed(above[:-1]):
            if key in self._properties(definition):
                return f"indent it less: it belongs to {name}"
        near = difflib.get_close_matches(key, fields, n=1)
        return f"did you mean {near[0]}?" if near else "take it out: the provider leaves out what it does not know"

    def _properties(self, definition: str | None) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.schema["definitions"].get(definition, {}).get("properties", {})
        return found


def _twice(value: Sequence[object], keys: Sequence[str], path: Path) -> Iterator[Finding]:
    seen: dict[tuple[str, ...], int] = {}
    for number, item in enumerate(value):
        if not keys or not isinstance(item, Mapping) or any(isinstance(item.get(key), Mapping | list) for key in keys):
            continue
        found = tuple(str(item.get(key, _DEFAULTS.get(key))) for key in keys)
        if found in seen:
            said = ", ".join(f"{key} {text}" for key, text in zip(keys, found, strict=True))
            yield (*path, number), f"is the second of {path[-1]} with {said}", "keep one of them"
        seen[found] = number


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is(value: object, expected: str) -> bool:
    if expected == "integer":
        return _is_number(value) and float(str(value)).is_integer()
    if expected == "number":
        return _is_number(value)
    types: Mapping[str, type] = {"string": str, "boolean": bool, "array": list, "object": Mapping}
    return isinstance(value, types[expected])


def wrong_type(value: object, expected: str, path: Path) -> tuple[str, str]:
    """What is wrong, without the value, which may be a password."""
    found = next(word for kind, word in _WORDS.items() if _is(value, kind)) if not _is_number(value) else "a number"
    if found == "true or false":
        found = "true" if value else "false"
    cause = f"is {found}, and {_named(path)} is {_WORDS[expected]}"
    if expected == "string" and isinstance(value, str | int | float):
        return cause, "put it in quotes"
    if isinstance(value, str) and (
        (expected == "boolean" and value in {"true", "false"})
        or (expected in {"integer", "number"} and value.removeprefix("-").isdigit())
    ):
        return cause, "take the quotes away"
    return cause, f"write {_WORDS[expected]}"


def _named(path: Path) -> str:
    """What a value is called."""
    name = path[-1] if path else "the object"
    return f"each of {path[-2]}" if isinstance(name, int) else name


def _choices(of: Mapping[str, Any]) -> str:
    choices = of.get("enum")
    return f": one of {', '.join(choices)}" if choices else ""
