"""Several compose files as one: a later file overrides an earlier one (compose specification: Merge). Pure."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from components.compose.fields import scalar
from components.compose.source import Source
from components.source.yaml_file import Document, Path

_REPLACED = {"command", "entrypoint", "test"}
"""Lists of which the later one counts alone."""
_MAPPED = {
    "environment",
    "labels",
    "sysctls",
    "args",
    "annotations",
    "driver_opts",
    "options",
    "storage_opt",
}
"""Mappings that may be written as a list of NAME=VALUE."""
_SEQUENCES = {"dns", "dns_opt", "dns_search", "env_file", "extra_hosts", "tmpfs"}
"""Lists of a service that may be written in another form."""
_NAMED = {"networks", "depends_on"}
"""Mappings that may be written as a list of names."""


class Written(Protocol):
    """What overrides: where each of its values is."""

    @property
    def lines(self) -> Mapping[Path, object]:
        """Something for the path of each value."""

    def where(self, *path: str | int) -> str:
        """FILE:LINE of a value."""


def merge(documents: Sequence[Document]) -> Source:
    """The documents as one; there is one at least, and each is a mapping."""
    first, *later = documents
    value, lines = first.value, {path: first.where(*path) for path in first.lines}
    for other in later:
        value = merged(value, other.value, (), lines, other)
    return Source(value=value, lines=lines)


def merged(old: Any, new: Any, path: Path, lines: dict[Path, str], document: Written) -> Any:  # noqa: ANN401 - YAML
    """The value at a path with that of the document over it; `lines` become those of both."""
    key = path[-1] if path else ""
    in_service = len(path) > 1 and path[0] == "services"
    if in_service and (key in _MAPPED or key in _NAMED):
        old, new = _as_mapping(old, str(key)), _as_mapping(new, str(key))
    if len(path) == 3 and in_service and key in _SEQUENCES:
        old, new = _as_list(old), _as_list(new)
    if isinstance(old, dict) and isinstance(new, dict):
        found = dict(old)
        for name, value in new.items():
            at = (*path, name)
            found[name] = merged(old[name], value, at, lines, document) if name in old else value
            if name not in old or not isinstance(found[name], dict | list):
                _take_lines(at, lines, document)
        return found
    if isinstance(old, list) and isinstance(new, list) and key not in _REPLACED:
        return _joined(old, new, path, lines, document)
    _take_lines(path, lines, document)
    return new


def _joined(old: list[Any], new: list[Any], path: Path, lines: dict[Path, str], document: Written) -> list[Any]:
    """Both lists, the later one's items in the place of those that stand for the same thing."""
    identity = _IDENTITIES.get(str(path[-1]), _itself)
    found = list(old)
    for number, item in enumerate(new):
        same = next((at for at, other in enumerate(found) if identity(other) == identity(item)), len(found))
        found[same : same + 1] = [item]
        lines[*path, same] = document.where(*path, number)
    return found


def _itself(item: object) -> object:
    return item


def _target(item: object) -> object:
    """Where a volume, a config or a secret is mounted."""
    if isinstance(item, Mapping):
        return item.get("target") or item.get("source")
    parts = str(item).split(":")
    return parts[1] if len(parts) > 1 else parts[0]


def _env_file(item: object) -> object:
    return item.get("path") if isinstance(item, Mapping) else item


_IDENTITIES: Mapping[str, Callable[[Any], object]] = {
    "volumes": _target,
    "configs": _target,
    "secrets": _target,
    "env_file": _env_file,
}


def _as_mapping(value: Any, key: str) -> Any:  # noqa: ANN401 - YAML
    """A list as the mapping that it stands for; anything else as it is."""
    if not isinstance(value, list):
        return value
    found: dict[str, object] = {}
    for item in value:
        name, mark, rest = str(item).partition("=") if key in _MAPPED else (str(item), "", "")
        default = {"condition": "service_started"} if key == "depends_on" else None
        found[name] = rest if mark else default
    return found


def _as_list(value: Any) -> list[Any]:  # noqa: ANN401 - YAML
    """A mapping as the list of NAME=VALUE that it stands for, with each value of a list; one text as a list of it."""
    if isinstance(value, dict):
        pairs = [(name, one) for name, given in value.items() for one in _as_list(given) or [""]]
        return [f"{name}={scalar(one)}" for name, one in pairs]
    return value if isinstance(value, list) else [] if value is None else [value]


def _take_lines(path: Path, lines: dict[Path, str], document: Written) -> None:
    """The lines of a value are those of the document from now on."""
    for at in [at for at in lines if at[: len(path)] == path and len(at) > len(path)]:
        del lines[at]
    lines.update({at: document.where(*at) for at in document.lines if at[: len(path)] == path})
