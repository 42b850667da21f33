"""What the engine hands over, as the project's own keys: text for each, which is JSON if the stack file has a block."""

import json
import re
import shlex
from collections.abc import Collection, Mapping

from components.settings import stack_file
from components.settings.key import keys_of
from components.settings.problem import Sealed
from components.settings.reader import Reader
from components.settings.scalars import Scalars
from components.settings.stack import BLOCKS, PROJECT

UNREADABLE = object()
"""In place of a block whose problem is recorded already."""
_INSIDE = re.compile(rf"({'|'.join(BLOCKS)})[.\[]([A-Za-z]*)")


def given(
    reader: Reader, values: Mapping[str, str], secrets: Collection[str], written: Mapping[str, object] | None
) -> dict[str, object]:
    """The project's own keys by their full names, each text that came encrypted Sealed; whatever is no key is recorded.

    Keys of the namespace `pulumi` are the engine's own. Those of any other namespace would go to a default provider,
    and default providers are off, so they would have no effect; a credential may lie there unseen.
    """
    scalars = {key.name: key for key in keys_of(Scalars)}
    found: dict[str, object] = {}
    for full, value in values.items():
        namespace, _, name = full.partition(":")
        if namespace == "pulumi":
            continue
        if namespace != PROJECT:
            reader.add(
                full, "has no effect, for this program makes its own providers", f"take it out, or see {PROJECT}:*"
            )
        elif name in scalars:
            # Pulumi.yaml gives every key a default, which is empty for one that is not given.
            if value:
                is_boolean = scalars[name].kind == "boolean" and value in {"true", "false"}
                found[full] = Sealed(value) if full in secrets else value == "true" if is_boolean else value
        elif name in BLOCKS:
            found[full] = _written(reader, full, value, written) if full in secrets else _parsed(value)
        elif inside := _INSIDE.match(name):
            _add_flat(reader, full, inside, is_secret=full in secrets)
        else:
            reader.unknown(full, name, [*scalars, *BLOCKS])
    return found


def _add_flat(reader: Reader, full: str, inside: re.Match[str], *, is_secret: bool) -> None:
    """Records a key whose path the engine took for a name: in the stack file it stands beside the block."""
    must = any(key.name == inside[2] and key.secrecy == "must" for key in keys_of(BLOCKS[inside[1]]))
    is_in_clear = must and not is_secret
    key = shlex.quote(full)
    take_out, put = (
        f"run 'pulumi config rm {key}'",
        f"'pulumi config set {'--secret ' * (must or is_secret)}--path {key}'",
    )
    reader.add(
        full,
        "was set without --path, so that no block has it",
        f"revoke that secret, {take_out}, and set a new one with {put}"
        if is_in_clear
        else f"{take_out}, and set it with {put}",
    )


def _parsed(value: str) -> object:
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        # Too many digits are a ValueError, and brackets that are too deep a RecursionError.
        return value


def _written(reader: Reader, full: str, value: str, written: Mapping[str, object] | None) -> object:
    """The block, each text that is encrypted in the stack file Sealed; all of it if the stack file does not say."""
    try:
        return stack_file.seal(value, (written or {}).get(full))
    except stack_file.MismatchError:
        reader.add(
            full,
            "holds an encrypted value, and the stack file that was found does not say which one it is",
            f"keep the stack file where Pulumi.yaml says, or name it with {stack_file.CONFIG_FILE} in place of the "
            "option --config-file",
        )
        return UNREADABLE
