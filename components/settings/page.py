"""The reference page of the stack file, and the keys that Pulumi.yaml declares. Pure: no Pulumi here."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from components.settings.block import Block
from components.settings.key import Key, keys_of
from components.settings.scalars import Scalars
from components.settings.stack import BLOCKS, CONDITIONS

PAGE_HEAD = """\
# The stack file

Written by `make docs` from `components/settings`, as are `schema/stack.schema.json` and the keys in `Pulumi.yaml`. With
this line at its start, an editor with a YAML language server completes and checks a stack file:

```yaml
# yaml-language-server: $schema=schema/stack.schema.json
```

Every key has the prefix `gitlab-deploy:`. A block that is left out is not managed by the stack. A value that is secret
is set with `pulumi config set --secret`, for a key of a block with `--path`; an encrypted value anywhere else is
refused. A path of another folder is `--path 'gitlab-deploy:dockerHost.files["/etc/app.conf"]'`.
"""
MARK = "  # Written by `make docs` from components/settings/scalars.py\n"
"""In Pulumi.yaml, the line above the keys that are written."""


def page() -> str:
    """The text of docs/configuration.md."""
    return "\n".join(
        [
            PAGE_HEAD,
            *_section("Keys that are no block", "Scalars", Scalars, level=2),
            *(line for name, block in BLOCKS.items() for line in _section(f"`{name}`", name, block, level=2)),
            "## Between blocks",
            "",
            *(f"- `{rule.path.partition(':')[2]}` {rule.cause}: {rule.remedy}." for rule in CONDITIONS),
            "",
        ]
    )


def project_keys() -> str:
    """The part of Pulumi.yaml that declares the keys which are no block."""
    kinds = {"boolean": "boolean"}
    keys = {
        key.name: {
            "type": kinds.get(key.kind, "string"),
            "description": f"{key.text} Default: {key.default_text or json.dumps(key.default)}"
            + (" (set with --secret)" if key.secrecy == "must" else ""),
            "default": "" if key.default is None else key.default,
        }
        for key in keys_of(Scalars)
    }
    text: str = yaml.safe_dump(keys, sort_keys=False, width=1000, allow_unicode=True)
    return MARK + "".join(f"  {line}\n" for line in text.splitlines())


def _section(title: str, path: str, block: type[Block], *, level: int) -> Iterator[str]:
    yield f"{'#' * level} {title}"
    yield ""
    yield " ".join((block.__doc__ or "").split())
    yield ""
    yield "| Key | Type | Default | What it is | Example |"
    yield "| --- | --- | --- | --- | --- |"
    for key in keys_of(block):
        cells = (f"`{key.name}`", _type(key), _default(key), key.text + _SECRECY[key.secrecy], _examples(key))
        yield f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |"
    yield ""
    if block.conditions:
        yield from (f"- `{rule.path}` {rule.cause}: {rule.remedy}." for rule in block.conditions)
        yield ""
    for key in keys_of(block):
        if key.block:
            yield from _section(f"`{path}.{key.name}`", f"{path}.{key.name}", key.block, level=level + 1)


_SECRECY = {"never": "", "may": " May be encrypted.", "must": " **Has to be encrypted.**"}


def _type(key: Key) -> str:
    kinds = {
        "text": "text",
        "integer": f"{key.low} to {key.high}",
        "boolean": "true or false",
        "choice": " or ".join(f"`{choice}`" for choice in key.choices),
        "texts": "list of texts",
        "map": "mapping of names to texts",
        "block": "block",
    }
    rules = [rule.remedy for rule in key.rules]
    names = [f"names: {rule.remedy}" for rule in key.names]
    return "; ".join([kinds[key.kind], *rules, *names])


def _default(key: Key) -> str:
    if key.required:
        return "**required**"
    empty = key.default is None or key.default in ((), {})
    return key.default_text or ("none" if empty else f"`{_yaml(key.default)}`")


def _examples(key: Key) -> str:
    if key.secrecy == "must":
        names = [name for example in key.examples if isinstance(example, Mapping) for name in example]
        return f"`{{{names[0]}: {{secure: ...}}}}`" if names else "`{secure: ...}`"
    return ", ".join(f"`{_yaml(example)}`" for example in key.examples)


def _yaml(value: Any) -> str:  # noqa: ANN401 - any value of a stack file
    """The value on one line, as a stack file has it."""
    plain = list(value) if isinstance(value, tuple) else value
    text: str = yaml.safe_dump(plain, default_flow_style=True, width=1000)
    return text.removesuffix("\n").removesuffix("\n...")
