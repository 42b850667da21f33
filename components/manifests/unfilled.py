"""What a tool should have filled in before: variables of `envsubst`, templates of Helm. Pure.

Kubernetes itself replaces `$(NAME)`, in commands, arguments and variables. A shell replaces what is in a command or its
arguments, and programs read configuration of their own in ConfigMaps, annotations and custom resources.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from components.manifests.fields import Finding
from components.manifests.kinds import is_own
from components.manifests.manifest import Path, walk
from components.settings.problem import quoted

_VARIABLE = re.compile(r"\$(?:\{[A-Za-z_][A-Za-z0-9_]*(?::?[-=?+][^}]*)?\}|[A-Z_][A-Z0-9_]*)")
_WHOLE = re.compile(r"\$(?:[A-Z_][A-Z0-9_]*|\{[A-Z_][A-Z0-9_]*\})")
_TEMPLATE = re.compile(r"\{\{.*?\}\}", re.DOTALL)

_REPLACED_ELSEWHERE = ("command", "args", "image")


def refused(body: Mapping[str, Any]) -> Iterator[Finding]:
    """Each text that is no value yet."""
    own, secret = is_own(body["apiVersion"]), (body["apiVersion"], body["kind"]) == ("v1", "Secret")
    for path, text in walk(body):
        if not isinstance(text, str) or {*_REPLACED_ELSEWHERE} & {*path} or (secret and path[0] != "metadata"):
            continue
        free = "annotations" in path or (path[:1] != ("metadata",) if not own else path[0] in {"data", "binaryData"})
        if _TEMPLATE.search(text) and not free:
            yield path, f"is {quoted(text)}, a template", "name what 'helm template', or its own tool, makes of it"
        elif _WHOLE.fullmatch(text) if free or _is_variable(path) else _VARIABLE.search(text):
            yield path, f"is {quoted(text)}, and nothing but the image is replaced", _remedy(path)


def warned(body: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    """Each variable of a container that has a variable in its value: there are programs that read such a one."""
    for path, text in walk(body):
        if isinstance(text, str) and _is_variable(path) and not _WHOLE.fullmatch(text):
            for found in dict.fromkeys(_VARIABLE.findall(text)):
                name = re.sub(r"\W.*", "", found.lstrip("${"))
                yield path, f"has {found} in it, which nothing replaces; Kubernetes replaces $({name})"


def _is_variable(path: Path) -> bool:
    return len(path) > 2 and path[-3::2] == ("env", "value")


def _remedy(path: Path) -> str:
    if path == ("metadata", "namespace"):
        return "take metadata.namespace out"
    if _is_variable(path):
        return "write the value itself, or have it from a Secret of kubernetes.secrets (valueFrom.secretKeyRef)"
    if {"labels", "annotations"} & {*path}:
        return "write the value itself, or take it out"
    return "write the value itself"
