"""What no message may show of a compose project, such as one that has a container's log lines. Pure."""

from collections.abc import Iterator, Mapping

from components.compose.interpolation import filled
from components.compose.model import Project


def hidden(project: Project, values: Mapping[str, str]) -> tuple[str, ...]:
    """The encrypted `values`, and of every service what its env_file and its `secrets` give it.

    Of every service, since one logs what another one was given: a database the password of its client.
    """
    return tuple(dict.fromkeys([*values.values(), *_of_files(project, values)]))


def _of_files(project: Project, values: Mapping[str, str]) -> Iterator[str]:
    for service in project.services.values():
        if service.has_env_file:
            yield from (filled(text, values) for text in service.environment.values())
        for upload in service.uploads:
            if upload.is_secret:
                yield upload.base64 or filled(upload.content or "", values)
