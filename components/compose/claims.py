"""What a compose project wants on its Docker host and somebody else has: found before anything is made. Pure."""

from collections.abc import Collection, Iterator, Mapping

from components.compose.model import Project, Service
from components.compose.names import NETWORK_LABEL, PROJECT_LABEL, SERVICE_LABEL, VOLUME_LABEL, container_name
from components.compose.present import Named, Present
from components.compose.routes import routes
from components.docker_app.labels import ID_LABEL
from components.docker_app.listed_container import ListedContainer
from components.printable import printable

WILDCARD = "0.0.0.0"  # noqa: S104 - what Docker means


def taken(
    project: Project, present: Present, *, identity: str, own: Collection[str], where: str
) -> Iterator[tuple[str, str]]:
    """The id of each thing of somebody else that stands in the way, and one sentence with the way out.

    `identity` is the id of the stack, `own` are the ids of what it made or takes over, `where` is the host.
    """
    for container in present.containers:
        if container.identity == identity or container.id in own:
            continue
        if sentence := _in_the_way(project, container, where):
            yield container.id, sentence
    for network in project.networks.values():
        found = present.networks.get(network.name)
        if network.is_external or found is None or found.id in own or _is_own(found, identity):
            continue
        yield (
            found.id,
            f"The network {network.name} exists {where} and is not this stack's{_whose(found)}; set "
            f"'external: true' for {network.key} in {network.where} if the services are to be on it",
        )
    for volume in project.volumes.values():
        found = present.volumes.get(volume.name)
        if volume.is_external or found is None or found.id in own or _is_own(found, identity):
            continue
        yield (
            found.id,
            f"The volume {volume.name} exists {where} and is not this stack's{_whose(found)}; set 'external: true' "
            f"for {volume.key} in {volume.where} if the services are to have its data",
        )


def missing(project: Project, present: Present, where: str) -> Iterator[str]:
    """One sentence for each external network and volume that does not exist."""
    for network in project.networks.values():
        if network.is_external and network.name not in present.networks:
            yield (
                f"There is no network {network.name!r} {where}, which {network.where} says is there; create it with "
                f"'docker network create {network.name}', or take 'external' out"
            )
    for volume in project.volumes.values():
        if volume.is_external and volume.name not in present.volumes:
            yield (
                f"There is no volume {volume.name!r} {where}, which {volume.where} says is there; create it with "
                f"'docker volume create {volume.name}', or take 'external' out"
            )


def is_of_project(project: Project, labels: Mapping[str, str]) -> bool:
    """Whether docker compose made it for a project of this name, as what the files declare."""
    return labels.get(PROJECT_LABEL) == project.name and (
        labels.get(SERVICE_LABEL) in project.services
        or labels.get(NETWORK_LABEL) in project.networks
        or labels.get(VOLUME_LABEL) in project.volumes
    )


def _in_the_way(project: Project, container: ListedContainer, where: str) -> str | None:
    if container.labels.get(PROJECT_LABEL) == project.name:
        return (
            f"The container {container.quoted} {where} is of a compose project {project.name} that this stack did not "
            f"create; set gitlab-deploy:dockerHost.project to another name, or remove it with {container.removal}"
        )
    for service in project.services.values():
        if container.name == container_name(project, service):
            return (
                f"The name {container.name} is taken by a container that this stack did not create, {container.shown} "
                f"{where}; set another container_name in {service.where}, or remove it with {container.removal}"
            )
        for port in service.ports:
            if port.external and port.protocol == "tcp" and container.holds(port.address or WILDCARD, port.external):
                return (
                    f"Port {port.external} is held by a container that this stack did not create, {container.shown} "
                    f"{where}; publish another one in {service.where}, or remove it with {container.removal}"
                )
        if rule := _route(service, container):
            return (
                f"The route {rule} is that of a container that this stack did not create too, {container.shown} "
                f"{where}, and a proxy takes either of two equal routes; give {service.name} in {service.where} "
                f"another, or take that router away, such as with {container.removal}"
            )
    return None


def _route(service: Service, container: ListedContainer) -> str | None:
    """The rule of a router that both have at an entry point in common."""
    if container.is_stopped or container.labels.get("traefik.enable", "").lower() == "false":
        return None
    for own in routes(service.labels) if service.is_routed else ():
        for other in routes(container.labels):
            meet = not own.entry_points or not other.entry_points or set(own.entry_points) & set(other.entry_points)
            if own.rule == other.rule and meet:
                return own.rule
    return None


def _is_own(found: Named, identity: str) -> bool:
    return found.labels.get(ID_LABEL) == identity


def _whose(found: Named) -> str:
    project = found.labels.get(PROJECT_LABEL)
    return f" (compose project {printable(project)!r})" if project else ""
