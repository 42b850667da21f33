"""Which values of a block are encrypted: the engine says of a whole block only that it holds one.

So the stack file itself is asked, in which an encrypted text is a mapping of `secure` to its ciphertext.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import yaml

from components.settings.problem import Sealed

CONFIG_FILE = "PULUMI_OPTION_CONFIG_FILE"
"""Environment variable which names another stack file, as the option `--config-file` does."""


class MismatchError(Exception):
    """The stack file that was found is not the one that the engine has read."""


class _Text(yaml.SafeLoader):
    """Leaves every scalar as it is written: the engine's YAML knows other booleans and dates than PyYAML."""


_Text.yaml_implicit_resolvers = {
    mark: [(tag, pattern) for tag, pattern in resolvers if tag == "tag:yaml.org,2002:merge"]
    for mark, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def read(root: Path, stack: str, environment: Mapping[str, str]) -> Mapping[str, object] | None:
    """The keys of the stack file, every scalar as text; None if there is no such file, or it cannot be read.

    `root` is the folder of Pulumi.yaml, which may name another folder for stack files (Pulumi: workspace/paths.go).
    """
    try:
        if environment.get(CONFIG_FILE):
            file = root / environment[CONFIG_FILE]
        else:
            project = next(path for name in ("Pulumi.yaml", "Pulumi.yml") if (path := root / name).is_file())
            folder = _load(project).get("stackConfigDir") or ""
            file = root / str(folder) / f"Pulumi.{stack.replace('/', '-')}{project.suffix}"
        config = _load(file).get("config")
    except (OSError, StopIteration, UnicodeDecodeError, RecursionError, yaml.YAMLError):
        return None
    return cast("dict[str, object]", config) if isinstance(config, dict) else None


def seal(value: str, written: object) -> object:
    """A block as the program reads it: its JSON, in which each text that is encrypted in the stack file is Sealed.

    `written` is the block in the stack file. Raises MismatchError unless the two are the same but for the encryption.
    """
    if _is_encrypted(written):
        return Sealed(value)
    try:
        sealed = _seal(json.loads(value), written)
    except (ValueError, RecursionError) as error:
        raise MismatchError from error
    if not _holds_sealed(sealed):
        raise MismatchError
    return sealed


def _seal(value: object, written: object) -> object:
    if _is_encrypted(written) and isinstance(value, str):
        return Sealed(value)
    match value, written:
        case dict(), dict() if value.keys() == written.keys():
            return {name: _seal(item, written[name]) for name, item in value.items()}
        case list(), list() if len(value) == len(written):
            return [_seal(item, other) for item, other in zip(value, written, strict=True)]
        # The engine may have read a number, a boolean or a date of what is written.
        case ((None | bool() | int() | float()), (str() | None)):
            return value
        case str(), str() if value in {written, f"{written}T00:00:00Z"}:
            return value
    raise MismatchError


def _holds_sealed(value: object) -> bool:
    if isinstance(value, dict):
        return any(map(_holds_sealed, value.values()))
    return any(map(_holds_sealed, value)) if isinstance(value, list) else isinstance(value, Sealed)


def _is_encrypted(written: object) -> bool:
    """Whether the engine takes it for an encrypted text (Pulumi: config/object.go, isSecureValue)."""
    return isinstance(written, dict) and list(written) == ["secure"] and isinstance(written["secure"], str)


def _load(file: Path) -> dict[str, Any]:
    found = yaml.load(file.read_text(encoding="utf-8"), Loader=_Text)  # noqa: S506 - a SafeLoader
    return found if isinstance(found, dict) else {}
