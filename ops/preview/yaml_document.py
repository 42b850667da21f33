"""YAML of others as plain data that can be walked: no anchor that refers to itself or multiplies. Pure."""

import itertools
from collections.abc import Iterator
from typing import Any

import yaml

LARGEST = 100_000
"""How many values a document may have once its aliases are written out; a stack file has some hundreds."""


class UnreadableYamlError(yaml.YAMLError):
    """Why a document cannot be read, in a few words. Holds nothing of the document."""


def load(text: str) -> Any:  # noqa: ANN401 - YAML
    """The document, each alias a copy of its own.

    yaml.YAMLError if it is none, is nested too deeply, or grows without end by its anchors; ValueError for a date that
    does not exist.
    """
    try:
        return _copy(yaml.safe_load(text), set(), itertools.count(1))
    except RecursionError as error:
        raise UnreadableYamlError("it is nested too deeply") from error


def compose(text: str) -> yaml.Node | None:
    """The document as nodes with their places, under the same conditions."""
    load(text)
    return yaml.compose(text, Loader=yaml.SafeLoader)


def _copy(value: object, above: set[int], count: Iterator[int]) -> object:
    """A copy in which nothing is shared; `above` are the containers that the value is in."""
    if next(count) > LARGEST:
        raise UnreadableYamlError(f"it has more than {LARGEST} values")
    if not isinstance(value, (dict, list)):
        return value
    if id(value) in above:
        raise UnreadableYamlError("an anchor refers to itself")
    within = above | {id(value)}
    if isinstance(value, dict):
        return {key: _copy(item, within, count) for key, item in value.items()}
    return [_copy(item, within, count) for item in value]
