"""A compose file with its variables resolved, and secrets only where they stay secret. Pure."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from components.compose import keys
from components.compose.interpolation import CLOSE, OPEN, InterpolationError, interpolate, names
from components.compose.source import Source
from components.source.yaml_file import Path

_SECRET_PLACES = ("environment", "labels", "command", "entrypoint", "healthcheck")
_NOT_READ = ("build", "develop")


class Unresolved(str):
    """A text as it is written, whose variables cannot be resolved: no problem if a later file overrides it."""

    __slots__ = ("error",)

    error: InterpolationError

    @classmethod
    def of(cls, text: str, error: InterpolationError) -> "Unresolved":
        """The text, and why."""
        found = cls(text)
        found.error = error
        return found


def resolved(value: Any, path: Path, variables: Mapping[str, str]) -> Any:  # noqa: ANN401 - YAML
    """The value at a path of a file with its variables resolved, as compose does before it reads anything else."""
    if isinstance(value, dict):
        return {
            name: item if _is_not_read((*path, name)) else resolved(item, (*path, name), variables)
            for name, item in value.items()
        }
    if isinstance(value, list):
        return [resolved(item, (*path, number), variables) for number, item in enumerate(value)]
    if not isinstance(value, str):
        return value
    if path[2:3] == ("volumes",):
        # Where a shell runs docker compose: the folder of the file.
        variables = {"PWD": ".", **variables}
    try:
        if OPEN in value or CLOSE in value:
            raise InterpolationError("holds a character of Unicode's private use", "take it out")  # noqa: TRY301
        return interpolate(value, variables)
    except InterpolationError as error:
        return Unresolved.of(value, error)


def settled(source: Source) -> Source:
    """What the files say in the end; a text that is not resolved, or has a secret in no place for one, is recorded."""
    return replace(source, value=_settled(source, source.value, ()))


def _settled(source: Source, value: Any, path: Path) -> Any:  # noqa: ANN401 - YAML
    if isinstance(value, dict):
        for name in value:
            if secret := names(name):
                _refuse_secret(source, (*path, f"${min(secret)}"), secret)
        return {
            name: item if _is_not_read((*path, name)) else _settled(source, item, (*path, name))
            for name, item in value.items()
            if not _is_extension((*path, name))
        }
    if isinstance(value, list):
        return [_settled(source, item, (*path, number)) for number, item in enumerate(value)]
    if isinstance(value, Unresolved):
        is_image = len(path) == 3 and path[0] == "services" and path[2] == "image"
        own = "write 'image: IMAGE' if it is the image that CI sets, else " if is_image else ""
        source.refuse(path, value.error.cause, f"{own}{value.error.remedy}")
        return ""
    if isinstance(value, str) and (secret := names(value)) and not _may_be_secret(path):
        _refuse_secret(source, path, secret)
    return value


def _refuse_secret(source: Source, path: Path, secret: set[str]) -> None:
    source.refuse(
        path,
        f"takes {', '.join(sorted(secret))}, which is encrypted, and this is no place for a secret",
        "put it into app.env, or use it in environment, labels, command, a config or a secret",
    )


def _is_extension(path: Path) -> bool:
    """Whether the key is one of its author's, where compose lets them have one: not among names."""
    return len(path) in {1, 3} and keys.is_extension(str(path[-1]))


def _is_not_read(path: Path) -> bool:
    return _is_extension(path) or (len(path) == 3 and path[0] == "services" and path[2] in _NOT_READ)


def _may_be_secret(path: Path) -> bool:
    if len(path) < 3:
        return False
    in_service = path[0] == "services" and path[2] in _SECRET_PLACES
    return in_service or (path[0] in {"configs", "secrets"} and path[2] == "content")
