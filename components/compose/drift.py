"""What of a compose project is not as its last run made it. Pure."""

from collections.abc import Collection

from components.compose.model import Project
from components.compose.names import SERVICE_LABEL
from components.compose.present import Present
from components.docker_app.drift import fault
from components.docker_app.listed_container import ListedContainer
from components.outputs import ComposeOutput
from components.printable import printable


def differences(
    present: Present,
    leftovers: Collection[ListedContainer],
    project: Project,
    known: ComposeOutput[str] | None,
    identity: str,
) -> list[str]:
    """One sentence for each container that is not as it should be, with the remedy.

    `leftovers` are those that the state does not know, `known` is the output `compose` of the last successful run,
    `identity` the id of the stack.
    """
    found = [
        f"the container {leftover.quoted} ({leftover.state}) is not in the state of this stack: a run that was killed "
        "left it, somebody created it by hand, or the stack takes it over; 'pulumi up' removes it once the stack's own "
        "one serves"
        for leftover in leftovers
    ]
    for leftover in leftovers:
        found += left_behind(leftover, project)
    by_id = {one.id: one for one in present.containers if one not in leftovers}
    for name, service in known["services"].items() if known else ():
        container = by_id.get(service["id"])
        if container is None:
            others = [one for one in by_id.values() if one.identity == identity and one.name == service["container"]]
            if not others and name in project.services:
                found.append(
                    f"the container '{service['container']}', which this stack created, does not exist any more; "
                    "'pulumi up --refresh' creates another"
                )
        elif service["completes"] and container.exit_code == 0:
            continue
        elif container.is_stopped and any(one.id in by_id for one in present.serving(name, identity)):
            # The run that put another one in its place failed elsewhere, later on.
            continue
        elif state := fault(container):
            found.append(f"the container {container.quoted} {state}")
    return found


def left_behind(container: ListedContainer, project: Project) -> list[str]:
    """One sentence for each volume without a name of a service's container, which the next one does not get."""
    declared = project.services.get(container.labels.get(SERVICE_LABEL, ""))
    mounted = {mount.target for mount in declared.mounts} if declared else set(container.unnamed)
    return [
        f"the container {container.quoted} has {printable(path)} in a volume without a name, which the next one does "
        "not get; it stays on the host: to keep what is in it, mount a volume there that is declared with "
        f"'external: true' and 'name: {volume}'"
        for path, volume in container.unnamed.items()
        if path not in mounted
    ]
