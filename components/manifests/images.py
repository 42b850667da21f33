"""Where an object names images. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

from components.manifests.kinds import is_own
from components.manifests.manifest import CONTAINERS, Path, walk
from components.source.placeholder import PLACEHOLDERS


def places(body: Mapping[str, Any]) -> Iterator[tuple[Path, Any]]:
    """The path of each image, with the mapping that it is in. That of a container may be missing."""
    for path, value in walk(body):
        for key in ("image", "reference") if isinstance(value, Mapping) else ():
            if (key in value or is_container(path)) and _is_place(body, (*path, key), value.get(key)):
                yield (*path, key), value


def is_filled_or_checked(body: Mapping[str, Any], path: Path, text: str) -> bool:
    """Whether the text at a path is an image that becomes the stack's, or is checked to be another one."""
    return _is_place(body, path, text) and (is_own(body["apiVersion"]) or text in PLACEHOLDERS)


def is_container(path: Path) -> bool:
    """Whether a container is at the path."""
    return len(path) > 2 and path[-2] in CONTAINERS and isinstance(path[-1], int)


def _is_place(body: Mapping[str, Any], path: Path, value: object) -> bool:
    if path[-1:] == ("image",) and is_container(path[:-1]):
        return True
    if path[-4:-3] == ("volumes",) and isinstance(path[-3], int) and path[-2:] == ("image", "reference"):
        return True
    # APIs have words of their own for what runs an image: a placeholder alone is sure to be one.
    is_word = path[-1:] == ("image",) and "metadata" not in path
    return is_word and not is_own(body["apiVersion"]) and isinstance(value, str) and value in PLACEHOLDERS
