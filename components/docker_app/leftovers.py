"""The containers of a stack that its state does not know: a run that was killed left them, or it takes them over."""

from collections.abc import Collection, Iterable

from components import stack_state
from components.docker_app.listed_container import ListedContainer
from components.outputs import DockerHostOutput

TYPE = "docker:index/container:Container"
"""Of a container, in the state."""


def find(
    present: Iterable[ListedContainer],
    *,
    identity: str,
    known: DockerHostOutput[str] | None,
    adopted: Collection[str] = (),
) -> tuple[ListedContainer, ...]:
    """Those of the containers on the host; RunError if the state, which is read if there may be some, cannot be.

    `adopted` are the ids of those that somebody else made and this run replaces. The outputs know the container of the
    last run that succeeded; of one that failed later, the state alone.
    """
    unknown = [
        one
        for one in present
        if one.id in adopted or (one.identity == identity and not (known and one.id == known["id"]))
    ]
    if not unknown:
        return ()
    kept = {resource.id for resource in stack_state.read_resources() if resource.type == TYPE}
    return tuple(one for one in unknown if one.id not in kept)
