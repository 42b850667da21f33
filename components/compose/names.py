"""The names and labels that compose gives to what it makes, and the stack's own labels. Pure."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace

from components.compose.model import Network, Project, Service, Volume
from components.docker_app.labels import STACK_LABEL

PROJECT_LABEL = "com.docker.compose.project"
SERVICE_LABEL = "com.docker.compose.service"
NETWORK_LABEL = "com.docker.compose.network"
VOLUME_LABEL = "com.docker.compose.volume"
_HASH_LABEL = "com.docker.compose.config-hash"
"""`docker compose ps` passes over a container without it."""
_NO_PART = {"depends_on", "where", "has_env_file", "is_secret"}


def container_name(project: Project, service: Service) -> str | None:
    """The name of the container; None if two of them overlap, and each gets one of its own."""
    if service.is_swapped:
        return None
    return service.container_name or f"{project.name}-{service.name}-1"


def of_container(project: Project, service: Service, owner: str) -> Mapping[str, str]:
    """The labels of a container, besides those of its service."""
    digest = hashlib.sha256(definition(_less_secrets(service)).encode()).hexdigest()
    return {
        PROJECT_LABEL: project.name,
        SERVICE_LABEL: service.name,
        "com.docker.compose.container-number": "1",
        "com.docker.compose.oneoff": "False",
        _HASH_LABEL: digest,
        STACK_LABEL: owner,
    }


def of_network(project: Project, network: Network, owner: str) -> Mapping[str, str]:
    """The labels of a network, besides its own."""
    return {PROJECT_LABEL: project.name, NETWORK_LABEL: network.key, STACK_LABEL: owner}


def of_volume(project: Project, volume: Volume, owner: str) -> Mapping[str, str]:
    """The labels of a volume, besides its own."""
    return {PROJECT_LABEL: project.name, VOLUME_LABEL: volume.key, STACK_LABEL: owner}


def definition(service: Service) -> str:
    """What a container is made of, with the marks of what is encrypted, and with what else is secret in clear.

    What only orders the run, or only decides what is shown, is no part of it.
    """
    return json.dumps(_made_of(service), default=_made_of, sort_keys=True, ensure_ascii=False)


def _made_of(value: object) -> dict[str, object]:
    return {name: one for name, one in vars(value).items() if name not in _NO_PART}


def _less_secrets(service: Service) -> Service:
    """The service less what is secret and has no mark: a label is in the state in clear, and a hash can be guessed."""
    environment = dict.fromkeys(service.environment, "") if service.has_env_file else service.environment
    uploads = [replace(one, content=None, base64=None) if one.is_secret else one for one in service.uploads]
    return replace(service, environment=environment, uploads=tuple(uploads))
