"""Names and labels that the API server takes. Pure."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from components.manifests.fields import Finding
from components.manifests.kinds import group_of, is_own
from components.manifests.manifest import Path, items, mapping, walk
from components.settings.problem import quoted

_LABEL = r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?"
_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_HOST = re.compile(rf"(?:\*\.)?{_LABEL}(?:\.{_LABEL})*")
_AT = ("metadata", "name")
_LABEL_VALUE = re.compile(r"(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?)?")
_LONGEST_NAME = 253
_LONGEST_LABEL = 63


def findings(body: Mapping[str, Any]) -> Iterator[Finding]:
    """What is wrong with the names of an object that has apiVersion and kind (Kubernetes: Object Names and IDs)."""
    group, kind, name = group_of(body["apiVersion"]), body["kind"], mapping(body, "metadata").get("name")
    if not isinstance(name, str):
        pass
    elif group == "rbac.authorization.k8s.io" or not is_own(body["apiVersion"]):
        # Other API servers than Kubernetes' own have rules of their own.
        if not name or {"/", "%"} & set(name) or name in "..":
            yield _AT, f"has the name {quoted(name)}, which is no name of an object", "leave '/' and '%' out"
        elif not name.isprintable():
            remedy = "leave line breaks and other control characters out"
            yield _AT, f"has the name {quoted(name)}, which is no name of an object", remedy
    elif not _NAME.fullmatch(name) or len(name) > _LONGEST_NAME:
        yield (
            _AT,
            f"has the name {quoted(name)}, which is no name of an object",
            f"use lower-case letters, digits, '-' and '.', at most {_LONGEST_NAME} characters",
        )
    elif (group, kind) == ("", "Service") and ("." in name or len(name) > _LONGEST_LABEL or name[0].isdigit()):
        remedy = "begin with a letter, use '-' in place of '.', and at most 63 characters"
        yield _AT, f"has the name {quoted(name)}, which is no name of a Service", remedy
    for path, value in walk(body):
        # What is inside of a custom resource is its own affair.
        is_labels = path[-2:] == ("metadata", "labels") and (len(path) == 2 or is_own(body["apiVersion"]))
        if is_labels and isinstance(value, Mapping):
            for key, text in value.items():
                if isinstance(text, str) and (not _LABEL_VALUE.fullmatch(text) or len(text) > _LONGEST_LABEL):
                    remedy = "use letters, digits, '-', '_' and '.', at most 63, or make it an annotation"
                    yield (*path, key), f"is {quoted(text)}, which is no value of a label", remedy
    if (group, kind) == ("networking.k8s.io", "Ingress"):
        yield from _hosts(mapping(body, "spec"))


def _hosts(ingress: Mapping[str, Any]) -> Iterator[Finding]:
    hosts: list[tuple[Path, object]] = [
        (("spec", "rules", number, "host"), rule.get("host")) for number, rule in enumerate(items(ingress.get("rules")))
    ]
    for number, entry in enumerate(items(ingress.get("tls"))):
        listed = entry.get("hosts")
        for place, host in enumerate(listed if isinstance(listed, list) else []):
            hosts.append((("spec", "tls", number, "hosts", place), host))
    for path, host in hosts:
        if isinstance(host, str) and host and not _HOST.fullmatch(host):
            remedy = "use lower-case letters, digits, '-' and '.', with no port"
            yield path, f"is {quoted(host)}, which is no host name", remedy
