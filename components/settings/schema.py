"""The JSON schema of a stack file, with which an editor completes and checks it. Pure: no Pulumi here.

Draft 7, which editors know, and `errorMessage`, with which they say what the program says. What it cannot say, the
program checks alone: `check` of a rule, and what conditions compare.
"""

from typing import Any

from components.settings.conditions import Condition
from components.settings.key import Key, keys_of
from components.settings.rule import Rule
from components.settings.scalars import Scalars
from components.settings.stack import BLOCKS, CONDITIONS, own

Schema = dict[str, Any]

_ENCRYPTED: Schema = {
    "type": "object",
    "properties": {"secure": {"type": "string"}},
    "required": ["secure"],
    "additionalProperties": False,
}
"""An encrypted text, as `pulumi config set --secret` writes it."""


def stack_schema() -> Schema:
    """The schema of `Pulumi.STACK.yaml`."""
    keys = {own(key.name): _described(key, _scalar(key)) for key in keys_of(Scalars)}
    blocks = {own(name): block_schema(block) for name, block in BLOCKS.items()}
    config = {
        "type": "object",
        "properties": keys | blocks,
        # The engine's own keys. Those of other programs and providers have no effect here.
        "patternProperties": {"^pulumi:": {}},
        "additionalProperties": False,
        "allOf": [condition.schema() for condition in CONDITIONS],
    }
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Stack file of gitlab-deploy",
        "description": "Written by `make docs` from components/settings",
        "type": "object",
        "properties": {"config": config},
        "required": ["config"],
    }


def block_schema(block: type[Any]) -> Schema:
    """The schema of a block."""
    keys = keys_of(block)
    conditions: tuple[Condition, ...] = block.conditions
    return {
        "description": " ".join((block.__doc__ or "").split()),
        "type": "object",
        "properties": {key.name: _described(key, _value(key)) for key in keys},
        "required": [key.name for key in keys if key.required],
        "additionalProperties": False,
        **({"allOf": [condition.schema() for condition in conditions]} if conditions else {}),
    }


def _described(key: Key, schema: Schema) -> Schema:
    default = {} if key.required or key.default_text or key.kind == "block" else {"default": key.default}
    examples = {} if key.secrecy == "must" else {"examples": list(key.examples)}
    return {"description": key.text, **schema, **default, **examples}


def _value(key: Key) -> Schema:
    match key.kind:
        case "integer":
            return {"type": "integer", "minimum": key.low, "maximum": key.high}
        case "boolean":
            return {"type": "boolean"}
        case "texts":
            return {"type": "array", "items": _text(key), "uniqueItems": key.unique}
        case "map":
            # With one text under `secure`, all of it would be encrypted.
            whole = {"properties": {"secure": {"type": "string"}}, "required": ["secure"], "maxProperties": 1}
            names = {"propertyNames": _ruled(key.names)}
            return {"type": "object", **names, "additionalProperties": _text(key), "not": whole}
        case "block":
            return block_schema(key.block) if key.block else {}
    return _text(key)


def _scalar(key: Key) -> Schema:
    """A key that is no block: the program gets it as text, and empty if it is not given."""
    if key.kind == "boolean":
        return {"enum": [True, False, "true", "false"]}
    if key.kind == "choice":
        return {"enum": [*key.choices, ""]}
    if key.secrecy != "never":
        return _text(key)
    text = {**_ruled(key.rules, empty=True), "type": "string"}
    return {**text, "type": ["string", "integer"]} if all(rule.accepts("1") for rule in key.rules) else text


def _text(key: Key) -> Schema:
    if key.kind == "choice":
        return {"enum": list(key.choices)}
    text = {"type": "string", **_ruled(key.rules)}
    plain = "is in plain text; revoke that secret, and set a new one with 'pulumi config set --secret'"
    return {
        "never": text,
        "may": {"anyOf": [text, _ENCRYPTED]},
        "must": {**_ENCRYPTED, "errorMessage": f"{key.name} {plain}"},
    }[key.secrecy]


def _ruled(rules: tuple[Rule, ...], *, empty: bool = False) -> Schema:
    """What the rules say of a text; an empty one is good if it may be empty."""
    schemas = [
        {
            "pattern": f"^(?:{rule.pattern}){'?' if empty else ''}$",
            "patternErrorMessage": f"{rule.cause}; {rule.remedy}",
            **({"maxLength": rule.longest} if rule.longest < Rule.longest else {}),
        }
        for rule in rules
    ]
    return schemas[0] if len(schemas) == 1 else {"allOf": schemas} if schemas else {}
