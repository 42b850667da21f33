"""Stack files with placeholders in place of their secrets, and plans made of them. Pure."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from ops.ops_error import OpsError
from ops.preview import yaml_document
from ops.preview.sensitive import HIDDEN, SIGNATURE_KEY
from ops.preview.yaml_document import UnreadableYamlError

_OF_ONE_RUN = ("dependencies", "propertyDependencies", "sourcePosition", "stackTrace")
"""What differs in a state from run to run, in its order or by the machine, although nothing else does."""
_SECRET = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - what Pulumi writes under the signature key of a secret


@dataclass(frozen=True, kw_only=True)
class StackFile:
    """A stack file without its secrets and without what decrypts them."""

    config: dict[str, Any]
    """Its configuration, with empty texts for the encrypted values."""
    placeholders: Mapping[str, str]
    """What to set as a secret in their place, by the path as `pulumi config set --path` takes it."""


def without_secrets(text: str) -> StackFile:
    """Takes every encrypted value out of a stack file.

    A placeholder is made of the ciphertext, so that it differs if the secret differs, or was encrypted
    again. OpsError if the text is not the stack file that Pulumi would read.
    """
    try:
        document = yaml_document.load(text) or {}
        config: dict[str, Any] = dict(document.get("config") or {})
    except (yaml.YAMLError, AttributeError, TypeError, ValueError) as error:
        why = str(error) if isinstance(error, UnreadableYamlError) else "it is not YAML with a map 'config'"
        raise OpsError(f"The stack file cannot be read: {why}; fix it until 'pulumi config' shows it") from error
    placeholders = [entry for key in list(config) for entry in _extract(config, key, str(key))]
    return StackFile(config=config, placeholders=dict(placeholders))


def mark_secrets(plan: Mapping[str, Any], with_secrets: Mapping[str, Any]) -> dict[str, Any]:
    """The plan of `pulumi preview --json`, with a mark for each secret that differs if the secret differs.

    `with_secrets` is what `--save-plan --show-secrets` writes of the same preview. The same program gives the same
    plan.
    """
    goals = {urn: resource.get("goal") or {} for urn, resource in with_secrets["resourcePlans"].items()}
    steps = []
    for step in plan.get("steps") or []:
        state = {key: value for key, value in (step.get("newState") or {}).items() if key not in _OF_ONE_RUN}
        wanted = (goals.get(step["urn"], {}).get("inputDiff") or {}).get("adds")
        if "inputs" in state:
            state["inputs"] = _mark(state["inputs"], wanted)
        steps.append({**step, "newState": state})
    steps.sort(key=lambda step: str(step["urn"]))
    return {**{key: value for key, value in plan.items() if key != "duration"}, "steps": steps}


def _mark(shown: Any, wanted: Any) -> Any:  # noqa: ANN401 - JSON
    if shown == HIDDEN:
        # As Pulumi itself writes a secret into a state, with a digest in place of the ciphertext.
        return {SIGNATURE_KEY: _SECRET, "digest": _digest(json.dumps(wanted, sort_keys=True))}
    if isinstance(shown, dict) and isinstance(wanted, dict):
        return {key: _mark(value, wanted.get(key)) for key, value in shown.items()}
    if isinstance(shown, list) and isinstance(wanted, list) and len(shown) == len(wanted):
        return [_mark(value, other) for value, other in zip(shown, wanted, strict=True)]
    return shown


def _extract(holder: Any, key: Any, path: str) -> Iterator[tuple[str, str]]:  # noqa: ANN401 - YAML
    """Takes the encrypted values at and below a path, and gives a placeholder for each."""
    value = holder[key]
    if isinstance(value, dict) and list(value) == ["secure"]:
        # Not removed: a list keeps its places, and a mapping its order.
        holder[key] = ""
        yield path, f"placeholder-{_digest(str(value['secure']))}"
    elif isinstance(value, dict):
        for name in value:
            yield from _extract(value, name, f"{path}[{json.dumps(str(name))}]")
    elif isinstance(value, list):
        for number in range(len(value)):
            yield from _extract(value, number, f"{path}[{number}]")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
