"""Plain Python values for Pulumi's property values, and back."""

from collections.abc import Mapping
from typing import TypeAlias

from pulumi.provider.experimental.property_value import PropertyValue
from pulumi.runtime.rpc import UNKNOWN

Plain: TypeAlias = "str | bool | float | list[Plain] | dict[str, Plain] | None"
State: TypeAlias = dict[str, Plain]
"""Inputs or outputs of a resource by their camelCase names. A value not known yet is the wire's own string UNKNOWN."""


def plain(value: PropertyValue) -> Plain:
    """Give the value without its marks of secrecy and dependency."""
    inner = value.value
    if inner is None or isinstance(inner, str | bool | float):
        return inner
    if isinstance(inner, Mapping):
        return {key: plain(item) for key, item in inner.items()}
    if isinstance(inner, tuple):
        return [plain(item) for item in inner]
    raise TypeError(f"a property of type {value.type.value} is not served by this plugin")


def plain_map(values: Mapping[str, PropertyValue]) -> State:
    """Give plain values for the properties that are set."""
    return {key: inner for key, value in values.items() if (inner := plain(value)) is not None}


def wrap(value: Plain, *, secret: bool = False) -> PropertyValue:
    """Give the property value, marked as a secret where asked."""
    if isinstance(value, dict):
        return PropertyValue({key: wrap(item) for key, item in value.items()}, is_secret=secret)
    if isinstance(value, list):
        return PropertyValue([wrap(item) for item in value], is_secret=secret)
    if isinstance(value, int) and not isinstance(value, bool):
        return PropertyValue(float(value), is_secret=secret)
    return PropertyValue(value, is_secret=secret)


def is_unknown(value: Plain) -> bool:
    """Tell whether the value, or one of its elements, is known only after an update."""
    return UNKNOWN in value if isinstance(value, list) else value == UNKNOWN
