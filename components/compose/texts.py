"""Texts of a compose file as inputs of resources: what is encrypted in the stack file becomes a secret Output."""

from collections.abc import Iterable, Mapping

import pulumi

from components.compose.interpolation import names, pieces

Values = Mapping[str, pulumi.Input[str]]
"""The encrypted values of the stack file by their names."""


def resolved(text: str, values: Values) -> pulumi.Input[str]:
    """The text; a secret Output if there is anything encrypted in it."""
    if not names(text):
        return text
    parts = [values[piece] if is_name else piece for piece, is_name in pieces(text)]
    return pulumi.Output.secret(pulumi.Output.concat(*parts))


def any_resolved(texts: Iterable[str], values: Values) -> pulumi.Input[list[pulumi.Input[str]]]:
    """The texts; as a whole secret if there is anything encrypted in one."""
    found = list(texts)
    inputs = [resolved(text, values) for text in found]
    return pulumi.Output.secret(inputs) if any(names(text) for text in found) else inputs
