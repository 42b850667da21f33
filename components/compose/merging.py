"""Several compose files as one: a later file overrides an earlier one (compose specification: Merge). Pure."""

import posixpath
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from components.compose.fields import scalar
from components.compose.interpolation import less_variables
from components.compose.resolving import Unresolved
from components.compose.source import Source
from components.source.yaml_file import Path

_REPLACED = {("services", "*", "command"), ("services", "*", "entrypoint"), ("services", "*", "healthcheck", "test")}
"""What the later file says of these counts alone, also if that is nothing."""
_MAPPED = {
    *(("services", "*", key) for key in ("annotations", "environment", "labels", "storage_opt", "sysctls")),
    *(("services", "*", "build", key) for key in ("args", "labels")),
    ("services", "*", "deploy", "labels"),
    ("networks", "*", "labels"),
    ("volumes", "*", "labels"),
}
"""Mappings that may be written as a list of NAME=VALUE."""
_SEQUENCES = {("services", "*", key) for key in ("dns", "dns_opt", "dns_search", "env_file", "extra_hosts", "tmpfs")}
"""Lists that may be written in another form."""
_NAMED: Mapping[Path, Mapping[str, object] | None] = {
    ("services", "*", "networks"): None,
    ("services", "*", "depends_on"): {"condition": "service_started", "required": True},
}
"""Mappings that may be written as a list of names, and what a name alone stands for."""


def merge(sources: Sequence[Source]) -> Source:
    """The files as one, with the problems of all; there is one at least."""
    first, *later = sources
    value, lines, problems = first.value, dict(first.lines), list(first.problems)
    for other in later:
        value = merged(without(value, other.replaced), other.value, (), lines, other)
        problems += other.problems
    return Source(value=value, lines=lines, problems=problems)


def without(value: Any, paths: frozenset[Path], path: Path = ()) -> Any:  # noqa: ANN401 - YAML
    """The value at a path without what is at the paths: a later file takes it away or replaces it as a whole."""
    if not paths or not isinstance(value, dict):
        return value
    return {name: without(item, paths, (*path, name)) for name, item in value.items() if (*path, name) not in paths}


def merged(old: Any, new: Any, path: Path, lines: dict[Path, str], over: Source) -> Any:  # noqa: ANN401 - YAML
    """The value at a path with that of the other file over it; `lines` become those of both."""
    form = _form(path)
    if form in _MAPPED or form in _NAMED:
        old, new = _as_mapping(old, form), _as_mapping(new, form)
    if form in _SEQUENCES:
        old, new = _as_list(old), _as_list(new)
    if new is None and form not in _REPLACED and _form(path[:-1]) not in _MAPPED:
        # A key with nothing behind it says nothing. A variable with no value is taken from the stack.
        return old
    if isinstance(old, dict) and isinstance(new, dict) and not _is_replaced(old, new, path):
        found = dict(old)
        for name, value in new.items():
            at = (*path, name)
            found[name] = merged(old[name], value, at, lines, over) if name in old else value
            if name not in old or not isinstance(found[name], dict | list):
                _take_lines(at, lines, over)
        return found
    if isinstance(old, list) and isinstance(new, list) and form not in _REPLACED:
        return _joined(old, new, path, lines, over)
    _take_lines(path, lines, over)
    return new


def _form(path: Path) -> Path:
    """The path with a star for the name that the file gives."""
    return (path[0], "*", *path[2:]) if len(path) > 1 else path


def _is_replaced(old: Mapping[str, Any], new: Mapping[str, Any], path: Path) -> bool:
    """Whether the later mapping counts alone: options of another log driver, both limits of a kind."""
    if len(path) == 3 and path[-1] == "logging":
        drivers = old.get("driver"), new.get("driver")
        return None not in drivers and drivers[0] != drivers[1]
    return len(path) == 4 and path[-2] == "ulimits"


def _joined(old: list[Any], new: list[Any], path: Path, lines: dict[Path, str], over: Source) -> list[Any]:
    """Both lists, the later one's items in the place of those that stand for the same thing."""
    identity = _IDENTITIES.get(_form(path), _itself)
    found = list(old)
    for number, item in enumerate(new):
        same = next((at for at, other in enumerate(found) if identity(other) == identity(item)), len(found))
        found[same : same + 1] = [item]
        lines[*path, same] = over.where((*path, number))
    return found


def _itself(item: object) -> object:
    return item


def _name(item: object) -> object:
    return str(item).partition("=")[0]


def _target(item: object) -> object:
    """Where a volume, a config or a secret is mounted, or a device is."""
    if isinstance(item, Mapping):
        return posixpath.normpath(str(item.get("target") or item.get("source")))
    parts = less_variables(str(item)).split(":")
    return posixpath.normpath(parts[1] if len(parts) > 1 else parts[0])


def _env_file(item: object) -> object:
    return item.get("path") if isinstance(item, Mapping) else item


def _subnet(item: object) -> object:
    return item.get("subnet") if isinstance(item, Mapping) else item


_IDENTITIES: Mapping[Path, Callable[[Any], object]] = {
    ("networks", "*", "ipam", "config"): _subnet,
    ("services", "*", "configs"): _target,
    ("services", "*", "devices"): _target,
    ("services", "*", "dns_opt"): _name,
    ("services", "*", "env_file"): _env_file,
    ("services", "*", "secrets"): _target,
    ("services", "*", "tmpfs"): _name,
    ("services", "*", "volumes"): _target,
}


def _as_mapping(value: Any, form: Path) -> Any:  # noqa: ANN401 - YAML
    """A list as the mapping that it stands for, nothing as an empty one; anything else as it is."""
    if not isinstance(value, list):
        return {} if value is None else value
    found: dict[str, object] = {}
    for item in value:
        name, mark, rest = str(item).partition("=") if form in _MAPPED else (str(item), "", "")
        if isinstance(item, Unresolved):
            found[name] = Unresolved.of(rest or name, item.error)
        elif mark:
            found[name] = rest
        else:
            alone = _NAMED.get(form)
            found[name] = alone and dict(alone)
    return found


def _as_list(value: Any) -> list[Any]:  # noqa: ANN401 - YAML
    """A mapping as the list of NAME=VALUE that it stands for, with each value of a list; one text as a list of it."""
    if isinstance(value, dict):
        pairs = [(name, one) for name, given in value.items() for one in _as_list(given) or [""]]
        return [
            Unresolved.of(f"{name}={one}", one.error) if isinstance(one, Unresolved) else f"{name}={scalar(one)}"
            for name, one in pairs
        ]
    return value if isinstance(value, list) else [] if value is None else [value]


def _take_lines(path: Path, lines: dict[Path, str], over: Source) -> None:
    """The lines of a value are those of the other file from now on."""
    for at in [at for at in lines if at[: len(path)] == path and len(at) > len(path)]:
        del lines[at]
    lines.update({at: where for at, where in over.lines.items() if at[: len(path)] == path})
