"""The compose files of a project, read: every problem of them is found at once."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from components.compose import keys
from components.compose.checkout import Checkout, CheckoutError
from components.compose.declared import networks, volumes
from components.compose.extending import extend
from components.compose.fields import Fields
from components.compose.interpolation import InterpolationError, interpolate, less_variables, mark
from components.compose.merging import merge
from components.compose.model import Project, Service
from components.compose.mounts import as_text
from components.compose.resolving import settled
from components.compose.routes import port
from components.compose.service_reader import ServiceReader, links
from components.compose.source import Source
from components.settings.problem import Problem
from components.source.placeholder import PLACEHOLDERS
from components.source.source_error import source_error
from components.source.yaml_file import Document, Path

PROJECT_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")


def read(
    documents: Sequence[Document],
    checkout: Checkout,
    *,
    env: Mapping[str, str],
    secrets: Sequence[str],
    project: str | None,
    fallback: str | None,
    is_stack_image: Callable[[str], bool],
) -> Project:
    """The project of these files; SourceError with every problem.

    `env` are the plain variables of the stack file, `secrets` the names of the encrypted ones. The project's name is
    `project` if it is given, else that of the files, else `fallback`.
    """
    for document in documents:
        if not isinstance(document.value, dict):
            raise source_error(document.where(), "is no mapping", "write a compose file")
    variables = {**env, **{name: mark(name) for name in secrets}}
    # As compose does: a file is resolved and extended by itself, before another one is laid over it.
    named = _name(documents, project, fallback, variables)
    variables |= {"COMPOSE_PROJECT_NAME": named} if named else {}
    source = merge([extend(one, checkout, variables) for one in documents])
    _check_keys(source)
    _prepare(source, is_stack_image, variables)
    source = settled(source)
    source.check()
    top = Fields.of(source, (), source.value)
    name = _project_name(top, project, fallback)
    reader = ServiceReader(
        checkout=checkout,
        variables=variables,
        is_stack_image=is_stack_image,
        files={kind: _files(top, kind, checkout, variables) for kind in ("configs", "secrets")},
        volumes=top.child("volumes").value,
        networks=top.child("networks").value,
        linked=_linked(source, top.child("services")),
    )
    services = {key: reader.read(key, top.child("services").child(key)) for key in source.value["services"]}
    ordered = _ordered(source, services)
    _check_names(source, services)
    if not source.problems and not any(service.is_stacks_own for service in services.values()):
        source.refuse(
            ("services",),
            "has no service with the stack's image",
            "write 'image: IMAGE' for the service whose image CI sets",
        )
    found = Project(
        name=name,
        services=ordered,
        networks=dict(networks(top, name, services)),
        volumes=dict(volumes(top, name, services)),
        notes=tuple(_notes(source, services)),
    )
    source.check()
    return found


def _check_keys(source: Source) -> None:
    services = source.value.get("services")
    if services is None:
        source.refuse(
            ("services",),
            "is missing",
            "write the services below the key 'services', which a file of compose's first version has not",
        )
        source.check()
    for key in source.value:
        if key in keys.TOP_LEVEL_REFUSED:
            source.refuse((key,), *keys.TOP_LEVEL_REFUSED[key])
        elif key not in keys.TOP_LEVEL and not keys.is_extension(key):
            source.refuse((key,), "is no key of a compose file", "correct it, or take it out")
    if not isinstance(services, dict) or not services:
        source.refuse(("services",), "is no mapping", "declare a service")
    else:
        for name, service in services.items():
            if not isinstance(service, dict):
                source.refuse(("services", name), "is no mapping", "write an image")
    source.check()


def _prepare(source: Source, is_stack_image: Callable[[str], bool], variables: Mapping[str, str]) -> None:
    """Takes out what has no part in a run; the stack's image is IMAGE, whatever variables its tag had."""
    services: dict[str, Any] = source.value["services"]
    for name, service in list(services.items()):
        if service.get("profiles"):
            # As compose does without --profile.
            del services[name]
            source.left_out.add(name)
            continue
        image = str(service.get("image", ""))
        if is_stack_image(image) or is_stack_image(_repository(image, variables)):
            service["image"] = PLACEHOLDERS[0]
    if not services:
        source.refuse(("services",), "has services with profiles alone", "take 'profiles' from one that is to run")
    source.check()


def _repository(image: str, variables: Mapping[str, str]) -> str:
    """The image less its tag, which may be of variables that only the tools of before have set."""
    end = re.search(r"(:[^/@]*)?(@.*)?$", less_variables(image))
    try:
        return interpolate(image[: end.start()] if end else image, variables)
    except InterpolationError:
        return ""


def _name(
    documents: Sequence[Document], given: str | None, fallback: str | None, variables: Mapping[str, str]
) -> str | None:
    """The project's name, before the files are read: they may use it. What is wrong with it is found later."""
    written = [document.value["name"] for document in documents if document.value.get("name") is not None]
    if given or not written:
        return given or fallback
    try:
        return interpolate(str(written[-1]), variables)
    except InterpolationError:
        return None


def _project_name(top: Fields, given: str | None, fallback: str | None) -> str:
    if given:
        return given
    written = top.text("name")
    if written is None:
        if fallback is None or not PROJECT_NAME.fullmatch(fallback):
            top.source.refuse(
                (), "has no name for the project", "set gitlab-deploy:dockerHost.project, or 'name:' here"
            )
        return fallback or "project"
    if not PROJECT_NAME.fullmatch(written):
        top.refuse("name", f"is {written!r}", "use small letters, digits, '-' and '_'")
    return written


def _files(top: Fields, kind: str, checkout: Checkout, variables: Mapping[str, str]) -> dict[str, Any]:
    """Configs or secrets that services use: text, or base64."""
    section, used = top.child(kind), _used(top, kind)
    found: dict[str, tuple[str | None, str | None]] = {}
    for name in [name for name in section.value if name in used]:
        one = section.child(name)
        one.only({"file", "content", "environment", "external", "name"})
        # What follows is about this, not about an empty file.
        found[name] = ("unknown", None)
        try:
            if one.boolean("external"):
                one.refuse("external", "is kept by a swarm", "use file, content or environment")
            elif "file" in one:
                path = one.text("file") or ""
                if kind == "secrets" and not checkout.exists(path):
                    section.refuse(
                        name,
                        f"names {path!r}, which is not in the checkout",
                        "set its content as app.secrets.NAME, and write 'environment: NAME' in the place of file",
                    )
                else:
                    found[name] = as_text(checkout.read(path))
            elif "content" in one:
                found[name] = (one.text("content"), None)
            elif "environment" in one:
                variable = one.text("environment") or ""
                if variable not in variables:
                    one.refuse(
                        "environment", f"takes {variable}, which is not set", f"set it as app.secrets.{variable}"
                    )
                found[name] = (variables.get(variable, ""), None)
            else:
                section.refuse(name, "has no file, content or environment", f"add one to the {kind}")
        except CheckoutError as error:
            section.refuse(name, error.cause, error.remedy)
    return found


def _used(top: Fields, kind: str) -> set[str]:
    """The configs or secrets that services name."""
    services = top.child("services")
    found = set()
    for service in services.value:
        given = services.child(service).value.get(kind)
        for item in given if isinstance(given, list) else ():
            found.add(str(item.get("source") if isinstance(item, Mapping) else item))
    return found


def _linked(source: Source, services: Fields) -> dict[str, list[str]]:
    """The names that services give each other in their links, which become names on their networks."""
    found: dict[str, list[str]] = {}
    owners: dict[str, str] = {}
    for name in services.value:
        for service, alias in links(services.child(name)):
            if alias == service:
                continue
            if alias in services.value or owners.setdefault(alias, service) != service:
                source.refuse(
                    ("services", name, "links"),
                    f"gives {service} the name {alias}, which another service has",
                    "use another one: here it is a name for all that are on its networks",
                )
            elif alias not in found.setdefault(service, []):
                found[service].append(alias)
    return found


def _ordered(source: Source, services: Mapping[str, Service]) -> dict[str, Service]:
    """Each service after those it depends on."""
    found: dict[str, Service] = {}

    def add(name: str, above: tuple[str, ...]) -> None:
        if name in above:
            source.refuse(("services", name, "depends_on"), f"goes in a circle: {' > '.join([*above, name])}", "cut it")
            return
        for dependency in services[name].depends_on:
            if dependency.service in services and dependency.service not in found:
                add(dependency.service, (*above, name))
        found[name] = services[name]

    for name in services:
        if name not in found:
            add(name, ())
    return found


def _check_names(source: Source, services: Mapping[str, Service]) -> None:
    taken: dict[str, str] = {}
    for name, service in services.items():
        if service.container_name and taken.setdefault(service.container_name, name) != name:
            path: Path = ("services", name, "container_name")
            source.refuse(path, f"is that of {taken[service.container_name]} too", "give each its own")
    for name, service in services.items():
        for dependency in service.depends_on:
            other = services.get(dependency.service)
            if dependency.condition == "service_healthy" and other and other.healthcheck and other.healthcheck.is_off:
                source.refuse(
                    ("services", name, "depends_on", dependency.service),
                    f"waits for {dependency.service} to be healthy, which has no health check",
                    "give it one, or use service_started",
                )


def _notes(source: Source, services: Mapping[str, Service]) -> Iterator[str]:
    for name, service in source.value["services"].items():
        for key in keys.NO_EFFECT:
            if key in service and key in {"build", "develop"}:
                path: Path = ("services", name, key)
                yield str(Problem(path=source.where(path), cause=f"{key} has no effect", remedy=keys.NO_EFFECT[key]))
        read = services[name]
        if service.get("expose") and (
            (read.is_routed and port(read.labels) is None) or "VIRTUAL_HOST" in read.environment
        ):
            path = ("services", name, "expose")
            cause = "expose has no effect, and a proxy goes by what the image exposes: Docker's provider adds nothing"
            remedy = (
                "if that is another port, name it in the label loadbalancer.server.port of Traefik's service, or in "
            )
            yield str(Problem(path=source.where(path), cause=cause, remedy=f"{remedy}VIRTUAL_PORT"))
        waits = service.get("depends_on")
        for other, given in waits.items() if isinstance(waits, dict) else ():
            if isinstance(given, dict) and given.get("restart"):
                path = ("services", name, "depends_on", other, "restart")
                cause, remedy = "depends_on.restart has no effect", "a container that did not change is left alone"
                yield str(Problem(path=source.where(path), cause=cause, remedy=remedy))
        if isinstance(deploy := service.get("deploy"), dict) and deploy.get("labels"):
            path = ("services", name, "deploy", "labels")
            remedy = "they are a swarm's; write a container's below labels"
            yield str(Problem(path=source.where(path), cause="deploy.labels has no effect", remedy=remedy))
