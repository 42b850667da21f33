"""A compose file with its variables resolved, and secrets only where they stay secret. Pure."""

from collections.abc import Mapping
from typing import Any

from components.compose import keys
from components.compose.interpolation import CLOSE, OPEN, InterpolationError, interpolate, names
from components.compose.source import Source
from components.source.yaml_file import Path

_SECRET_PLACES = ("environment", "labels", "command", "entrypoint", "healthcheck")
_NOT_READ = ("build", "develop")


def resolved(source: Source, value: Any, path: Path, variables: Mapping[str, str]) -> Any:  # noqa: ANN401 - YAML
    """The value with its variables resolved, but for what is not read."""
    if isinstance(value, dict):
        return {
            name: resolved(source, item, (*path, name), variables)
            for name, item in value.items()
            if not keys.is_extension(name) or len(path) > 2
        }
    if isinstance(value, list):
        return [resolved(source, item, (*path, number), variables) for number, item in enumerate(value)]
    if not isinstance(value, str) or (len(path) > 2 and path[0] == "services" and path[2] in _NOT_READ):
        return value
    found = ""
    if path[2:3] == ("volumes",):
        # Where a shell runs docker compose: the folder of the file.
        variables = {"PWD": ".", **variables}
    try:
        found = interpolate(value, variables)
    except InterpolationError as error:
        is_image = len(path) == 3 and path[0] == "services" and path[2] == "image"
        own = "write 'image: IMAGE' if it is the image that CI sets, else " if is_image else ""
        source.refuse(path, error.cause, f"{own}{error.remedy}")
    if OPEN in value or CLOSE in value:
        source.refuse(path, "holds a character of Unicode's private use", "take it out")
    if (secret := names(found)) and not _may_be_secret(path):
        source.refuse(
            path,
            f"takes {', '.join(sorted(secret))}, which is encrypted, and this is no place for a secret",
            "put it into app.env, or use it in environment, labels, command, a config or a secret",
        )
    return found


def _may_be_secret(path: Path) -> bool:
    if len(path) < 3:
        return False
    in_service = path[0] == "services" and path[2] in _SECRET_PLACES
    return in_service or (path[0] in {"configs", "secrets"} and path[2] == "content")
