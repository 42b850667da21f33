"""What a tool should have filled in before: variables of `envsubst`, templates of Helm. Pure.

Kubernetes itself replaces `$(NAME)`, in commands, arguments and variables. A shell replaces what is in a command or its
arguments, and programs read configuration of their own in variables, ConfigMaps, annotations and custom resources. So
it is an error only where the API takes no such text.
"""

import base64
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from components.manifests.fields import Finding
from components.manifests.images import is_filled_or_checked
from components.manifests.kinds import is_own
from components.manifests.manifest import Path, walk
from components.printable import printable
from components.settings.problem import quoted

_VARIABLE = re.compile(r"\$(?:\{[A-Za-z_][A-Za-z0-9_]*(?::?[-=?+][^}]*)?\}|[A-Z_][A-Z0-9_]*)")
_WHOLE = re.compile(r"\$(?:[A-Z_][A-Z0-9_]*|\{[A-Z_][A-Z0-9_]*\})")
_TEMPLATE = re.compile(r"\{\{.*?\}\}", re.DOTALL)
_WHOLE_TEMPLATE = re.compile(r"""\{\{[^{}"'`]*\}\}""")
"""With no text in it, which would be a default."""

_REPLACED_ELSEWHERE = ("command", "args")
_NAMES = (("metadata", "name"), ("metadata", "namespace"))


def says_nothing(value: object) -> bool:
    """Whether a value of a Secret is empty or a placeholder, encoded or not, so that nothing is known from it."""
    if not isinstance(value, str):
        return value is None
    try:
        decoded = base64.b64decode(value, validate=True).decode()
    except ValueError:
        decoded = value
    return any(
        not text or _WHOLE.fullmatch(text) or _WHOLE_TEMPLATE.fullmatch(text)
        for text in (value.strip(), decoded.strip())
    )


def refused(body: Mapping[str, Any], no_text: Collection[Path]) -> Iterator[Finding]:
    """Each text that is no value yet, at a path where the API takes no text of one's own."""
    for path, text in _texts(body):
        if path not in no_text and path not in _NAMES:
            continue
        if _TEMPLATE.search(text):
            yield path, f"is {quoted(text)}, a template", "name what 'helm template', or its own tool, makes of it"
        elif _VARIABLE.search(text):
            remedy = "take metadata.namespace out" if path == ("metadata", "namespace") else "write the value itself"
            yield path, f"is {quoted(text)}, and nothing but the image is replaced", remedy


def warned(body: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    """Each variable or template in a text: there are programs that read such a one."""
    own = is_own(body["apiVersion"])
    for path, text in _texts(body):
        if "annotations" in path or (path[0] in {"data", "binaryData"} if own else path[0] != "metadata"):
            # Configuration of a program, which may have any syntax.
            found, templates = ([text] if _WHOLE.fullmatch(text) else []), []
        else:
            found, templates = _VARIABLE.findall(text), _TEMPLATE.findall(text)
        for variable in dict.fromkeys(found):
            name = re.sub(r"\W.*", "", variable.lstrip("${"))
            yield (
                path,
                f"has {printable(variable)} in it, which nothing replaces: Kubernetes replaces $({name}) alone, in "
                "commands, arguments and variables",
            )
        for template in dict.fromkeys(templates):
            yield (
                path,
                f"has {printable(template)} in it, which nothing replaces: Helm would, before kubectl apply",
            )


def _texts(body: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    """The texts in which nothing else replaces anything, with their paths."""
    is_secret = (body["apiVersion"], body["kind"]) == ("v1", "Secret")
    for path, text in walk(body):
        if not isinstance(text, str) or {*_REPLACED_ELSEWHERE} & {*path} or (is_secret and path[0] != "metadata"):
            continue
        if not is_filled_or_checked(body, path, text):
            yield path, text
