"""What this stack's state has of its outputs and resources, read before anything is declared."""

import time
from collections.abc import Mapping
from typing import Any, cast

import pulumi
from pulumi.runtime import invoke

from components.outputs import StackOutputs

_HALF_WRITTEN = ("EOF", "checksum did not match")
_PAUSES_SECONDS = (0.05, 0.1, 0.2, 0.4, 0.8)


def previous_outputs() -> StackOutputs[str]:
    """The stack's outputs as plain values, known in a preview too; empty if no run has succeeded yet.

    As a StackReference to the stack itself, but at once: a StackReference is read while the engine writes the state of
    the resources declared beside it. RunError, which Pulumi shows with no traceback, if the state cannot be read.
    """
    return cast("StackOutputs[str]", _read("readStackOutputs", "name"))


def kept_names(type_: str) -> dict[str, str]:
    """The output `name` of each resource of a type in the state, by the resource's name; not of those to be deleted.

    A run that failed has left its own there. The other outputs, with their secrets in clear, stay in here. RunError if
    the state cannot be read.
    """
    return {
        urn.rpartition("::")[2]: str(resource["outputs"]["name"])
        for urn, resource in _read("readStackResourceOutputs", "stackName").items()
        if resource["type"] == type_ and resource["outputs"].get("name") is not None
    }


def _read(function: str, argument: str) -> Mapping[str, Any]:
    name = f"{pulumi.get_organization()}/{pulumi.get_project()}/{pulumi.get_stack()}"
    pauses = iter(_PAUSES_SECONDS)
    while True:
        try:
            found = invoke(f"pulumi:pulumi:{function}", {argument: name}).value
            return cast("Mapping[str, Any]", found["outputs"])
        except Exception as error:
            pause = next(pauses, None)
            # On a file backend the attributes beside a state are not written in one piece (gocloud.dev, fileblob): who
            # reads them while the engine writes, as it does on a stack's very first run, may find an empty file. A
            # small S3 server may serve one writing's text with another's checksum.
            if pause is None or not any(sign in str(error) for sign in _HALF_WRITTEN):
                raise pulumi.RunError(
                    f"The outputs of {name} cannot be read from its state ({error}); see whether "
                    f"'pulumi stack output --stack {pulumi.get_stack()}' works, and run the same command again"
                ) from error
            time.sleep(pause)
