"""The Docker host before a run: what of it is the stack's own, and what stands in the way."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from components import stack_state
from components.compose import claims
from components.compose.model import Project
from components.compose.present import Named, Present
from components.docker_app.labels import ID_LABEL
from components.docker_app.leftovers import TYPE as CONTAINER
from components.docker_app.listed_container import ListedContainer
from components.docker_app.remote_docker import RemoteDocker, RemoteDockerError
from components.outputs import ComposeOutput
from components.printable import printable

_TYPES = {CONTAINER, "docker:index/network:Network", "docker:index/volume:Volume"}
"""Of what has an id on the host, in the state."""


@dataclass(frozen=True, kw_only=True)
class HostState:
    """What was found."""

    present: Present | None = None
    """None if the host was not asked."""
    leftovers: tuple[ListedContainer, ...] = ()
    """Containers that are the stack's own, or that it takes over, and that its state does not know."""
    networks: Mapping[str, str] = field(default_factory=dict)
    """Ids, by name, of the networks that exist and are, or become, the stack's own."""
    problems: tuple[str, ...] = ()
    """Why nothing can be made, each with the way out."""
    taken: tuple[str, ...] = ()
    """What somebody else has of what the project wants, each with the way out."""


def examine(
    project: Project,
    remote: RemoteDocker,
    containers: tuple[ListedContainer, ...] | None,
    *,
    identity: str,
    known: ComposeOutput[str] | None,
    adopted: Collection[str] = (),
) -> HostState:
    """Asks the host; `containers` are those on it, None if it could not be asked.

    `identity` is the id of the stack, `known` the output `compose` of its last successful run, `adopted` the ids of
    what somebody else made and this run takes over. RunError if the state, which is read if it may matter, cannot be.
    """
    problems = [_renamed(project, known)] if known and known["project"] != project.name else []
    if containers is None:
        return HostState(problems=tuple(problems))
    try:
        present = look(remote, containers)
    except RemoteDockerError as error:
        reason = printable(str(error)) or "the connection was lost"
        return HostState(
            problems=(f"The Docker host {remote.address} does not list its volumes ({reason}); try again",)
        )
    where = f"on {remote.address}"
    known_ids = {one["id"] for one in known["services"].values()} if known else set()
    volumes = set(known["volumes"]) if known else set()
    unknown = [one for one in containers if one.id in adopted or (one.identity == identity and one.id not in known_ids)]
    own = {*known_ids, *volumes, *adopted}
    in_the_way = list(claims.taken(project, present, identity=identity, own=own, where=where))
    # A run that failed has made things that no output knows.
    state = stack_state.read_resources() if unknown or in_the_way else ()
    kept = {resource.id for resource in state if resource.type in _TYPES}
    networks = {
        network.name: found.id
        for network in project.networks.values()
        if not network.is_external
        and (found := present.networks.get(network.name))
        and (found.id in adopted or found.labels.get(ID_LABEL) == identity)
    }
    problems += claims.missing(project, present, where)
    return HostState(
        present=present,
        leftovers=tuple(one for one in unknown if one.id not in kept),
        networks=networks,
        problems=tuple(problems),
        taken=tuple(sentence for id_, sentence in in_the_way if id_ not in kept),
    )


def look(remote: RemoteDocker, containers: tuple[ListedContainer, ...]) -> Present:
    """The networks and volumes of the host, beside its containers; RemoteDockerError if it does not list them."""
    networks, volumes = (_ask(remote, path) for path in ("/networks", "/volumes"))
    return Present(
        containers=containers,
        networks={
            one["Name"]: Named(id=one["Id"], name=one["Name"], labels=one.get("Labels") or {}) for one in networks
        },
        volumes={
            one["Name"]: Named(id=one["Name"], name=one["Name"], labels=one.get("Labels") or {})
            for one in volumes.get("Volumes") or ()
        },
    )


def _ask(remote: RemoteDocker, path: str) -> Any:  # noqa: ANN401 - what the API documents
    answer = remote.request("GET", path)
    if answer.message:
        raise RemoteDockerError(answer.message)
    return answer.json


def _renamed(project: Project, known: ComposeOutput[str]) -> str:
    return (
        f"The compose project was {known['project']!r} and would be {project.name!r}, with volumes of other names; set "
        f"gitlab-deploy:dockerHost.project to {known['project']}, or destroy the stack first and move the data"
    )
