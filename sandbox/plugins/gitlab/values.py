"""Plain Python values for Pulumi's property values, and back."""

from collections.abc import Mapping
from typing import TypeAlias

from google.protobuf.struct_pb2 import Struct, Value  # type: ignore[import-untyped]

Plain: TypeAlias = "str | bool | float | list[Plain] | dict[str, Plain] | None"
State: TypeAlias = dict[str, Plain]
"""Inputs or outputs of a resource by their camelCase names. A value not known yet is the wire's own string UNKNOWN."""
Properties: TypeAlias = Mapping[str, Value]
"""The same as the wire has them."""

# Of the protocol (pulumi.runtime.rpc).
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
SIGNATURE = "4dabf18193072939515e22adb298388d"
SECRET = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - what marks one


def plain(value: Value) -> Plain:
    """Give the value without its marks of secrecy."""
    kind = value.WhichOneof("kind")
    if kind == "list_value":
        return [plain(item) for item in value.list_value.values]
    if kind == "struct_value":
        fields = value.struct_value.fields
        if SIGNATURE not in fields:
            return {key: plain(item) for key, item in fields.items()}
        if fields[SIGNATURE].string_value == SECRET:
            return plain(fields["value"])
        raise TypeError("an asset, an archive or a reference to a resource is not served by this plugin")
    inner: str | bool | float | None = None if kind == "null_value" else getattr(value, kind)
    return inner


def plain_map(values: Properties) -> State:
    """Give plain values for the properties that are set."""
    return {key: inner for key, value in values.items() if (inner := plain(value)) is not None}


def holds_secret(value: Value) -> bool:
    """Tell whether the value, or anything in it, is marked as a secret."""
    fields = value.struct_value.fields
    if SIGNATURE in fields and fields[SIGNATURE].string_value == SECRET:
        return True
    return any(map(holds_secret, [*fields.values(), *value.list_value.values]))


def wrap(value: Plain, *, secret: bool = False) -> Value:
    """Give the property value, marked as a secret where asked."""
    struct = Struct()
    struct.update({"value": value} | ({SIGNATURE: SECRET} if secret else {}))
    return Value(struct_value=struct) if secret else struct.fields["value"]


def wire(properties: Properties) -> Struct:
    """Give the properties as one message."""
    return Struct(fields=properties)


def is_unknown(value: Plain) -> bool:
    """Tell whether the value, or one of its elements, is known only after an update."""
    return UNKNOWN in value if isinstance(value, list) else value == UNKNOWN
