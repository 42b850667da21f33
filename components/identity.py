"""The identity of a stack: an id made once and kept in its state, by which the stack knows what is its own.

Two clones of the program may each have a stack of the same name, with a state of its own: project, stack and names are
equal, the ids are not. The id is plain text before anything is declared, so that labels can carry it.
"""

import uuid
from collections.abc import Iterable

import pulumi

from components import stack_state
from components.outputs import StackOutputs

NOT_MADE = "made-by-the-first-up"
"""Stands for the id in a preview of a stack that has none yet; nothing carries it."""
_TYPE, _NAME = "pulumi:index:Stash", "identity"


def find(previous: StackOutputs[str], *, offline: bool) -> str:
    """The stack's id: the one in its outputs, else the one in its state, else a new one; NOT_MADE in a preview.

    The state is read if the outputs have none: on a first run, or if the first run failed after it had made things.
    `offline` if no server can be asked. RunError if the state cannot be read.
    """
    if "identity" in previous:
        return previous["identity"]
    found = () if offline else stack_state.read_resources()
    kept = kept_in(found)
    if kept:
        return kept
    return NOT_MADE if offline or pulumi.runtime.is_dry_run() else str(uuid.uuid4())


def kept_in(resources: Iterable[stack_state.StateResource]) -> str | None:
    """The id in a state; None if it has none."""
    return next((str(resource.outputs["output"]) for resource in resources if resource.type == _TYPE), None)


def keep(identity: str) -> pulumi.Output[str]:
    """Registers the id, and gives it back as an output: what carries it is made once the state has it."""
    # A preview's text never takes the place of the id.
    stash = pulumi.Stash(_NAME, input=identity, opts=pulumi.ResourceOptions(ignore_changes=["input"]))
    return stash.urn.apply(lambda _: identity)
