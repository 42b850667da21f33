"""What the API server says about an object that it does not take: where that is written, and what to do. Pure."""

import re
from collections.abc import Iterator

from components.manifests.manifest import Manifest, Path, item_at, items
from components.printable import printable

_TYPED = re.compile(r"typed patch object \([^)]*\): (?:errors:)?(?P<entries>.*)", re.DOTALL)
"""Kubernetes: Server-Side Apply of what does not fit the schema."""
_INVALID = re.compile(r" is invalid: \[?(?P<entries>.*?)\]?$", re.DOTALL)
"""Kubernetes: field.ErrorList."""
_STEP = r"[A-Za-z0-9_-]+|\[[^\]]*\]"
_ENTRY = re.compile(rf"(?:^|\s|\[)\.?(?P<path>(?:{_STEP})(?:\.?(?:{_STEP}))*): (?P<said>[^\n]*?)(?=$|\n|, [a-z]+[.\[])")
_NO_KIND = re.compile(r"no matches for kind|resource mapping not found|could not find the requested resource")
_FORBIDDEN = re.compile(r'is forbidden: User "(?P<user>[^"]*)" cannot (?P<verb>\w+) resource')


def explanation(error: str, manifest: Manifest) -> str:
    """One line for each thing that is wrong, with FILE:LINE."""
    return "\n".join(dict.fromkeys(_lines(error, manifest)))


def _lines(error: str, manifest: Manifest) -> Iterator[str]:
    where = manifest.where
    if _NO_KIND.search(error):
        yield (
            f"{where}: the cluster has no kind {manifest.kind} in {manifest.api_version}; have whoever owns it install "
            "what defines it, or correct the apiVersion"
        )
        return
    forbidden = _FORBIDDEN.search(error)
    if forbidden:
        yield (
            f"{where}: {printable(forbidden['user'])} may not {forbidden['verb']} a {manifest.kind}; have whoever owns "
            "the cluster give it that right in the namespace, or take the document out"
        )
        return
    found = _TYPED.search(error) or _INVALID.search(error)
    entries = list(_ENTRY.finditer(found["entries"])) if found else []
    for entry in entries:
        path = _path(entry["path"], manifest)
        said = re.sub(r", got &value\.\S*", "", entry["said"])
        yield f"{manifest.line_of(*path)}: the cluster does not take {entry['path']}: {printable(said)}"
    if not entries:
        yield f"{where}: the cluster does not take this {manifest.kind} as it is"


def _path(text: str, manifest: Manifest) -> Path:
    """A path as the API server writes it, such as `spec.ports[0].port` or `.spec.ports[port=80].port`."""
    path: list[str | int] = []
    value: object = manifest.body
    for step in re.findall(_STEP, text):
        key: str | int = step
        if step.startswith("["):
            inside = step[1:-1]
            wanted = dict(re.findall(r'(\w+)="?([^",]*)"?', inside))
            number = next(
                (
                    number
                    for number, item in enumerate(items(value))
                    if wanted and all(str(item.get(name, text)) == text for name, text in wanted.items())
                ),
                None,
            )
            key = int(inside) if inside.isdigit() else inside if number is None else number
        path.append(key)
        value = item_at(value, key)
    return tuple(path)
