"""A service of a compose file, typed."""

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from components.compose import keys, options, ports, values
from components.compose.checkout import Checkout, CheckoutError
from components.compose.environment import Environment
from components.compose.fields import Fields
from components.compose.model import Attachment, Dependency, Healthcheck, Service
from components.compose.mounts import Mounts

_CONTAINER_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+")
_CONDITIONS = ("service_started", "service_healthy", "service_completed_successfully")
_ATTACHMENT = {"ipv4_address", "ipv6_address", "link_local_ips", "mac_address", "gw_priority", "driver_opts"}
Files = Mapping[str, Mapping[str, tuple[str | None, str | None]]]


@dataclass(frozen=True, kw_only=True)
class ServiceReader:
    """Reads the services of one project."""

    checkout: Checkout
    variables: Mapping[str, str]
    """Values of the stack file by their names; a mark for each that is encrypted."""
    is_stack_image: Callable[[str], bool]
    files: Files
    """The configs and secrets of the project."""
    volumes: Mapping[str, object]
    networks: Mapping[str, object]
    linked: Mapping[str, Sequence[str]]
    """The names that other services give a service in their links."""

    def read(self, name: str, fields: Fields) -> Service:
        """The service; its problems are recorded."""
        self._keys(fields)
        mounts = Mounts(fields=fields, checkout=self.checkout, volumes=self.volumes)
        mounts.read(self.files)
        if mounts.uploads and fields.boolean("read_only"):
            # Into a volume that is mounted there neither: the provider unpacks files at the root (5.2).
            fields.refuse(
                "read_only",
                "is set, and Docker puts no file into a container whose root is read-only",
                f"take it out, or have {mounts.uploads[0].target} in the image or in a folder of the Docker host",
            )
        for upload in mounts.uploads:
            if not (upload.content or upload.base64):
                fields.source.refuse(
                    fields.path,
                    f"has an empty file for {upload.target}",
                    "mount a named volume if the program writes there, else write something into the file",
                )
        policy, attempts = options.restart(fields)
        environment = Environment(checkout=self.checkout, variables=self.variables)
        others = options.read(fields)
        if "security_opts" in others:
            others["security_opts"] = [self._security(fields, option) for option in others["security_opts"]]
        grace = self._grace(fields)
        if grace is not None:
            others["stop_timeout"] = grace
        if mounts.tmpfs:
            others["tmpfs"] = mounts.tmpfs
        command, entrypoint = self._commands(fields)
        container_name = fields.text("container_name")
        if container_name is not None and not _CONTAINER_NAME.fullmatch(container_name):
            fields.refuse("container_name", f"is {container_name!r}", "use letters, digits, '_', '.' and '-'")
        mode = fields.text("network_mode")
        if mode is not None and mode.startswith(("service:", "container:")):
            fields.refuse("network_mode", "ties two containers together", "put both on one network")
        return Service(
            name=name,
            where=fields.source.where(fields.path),
            image=self._image(fields),
            environment=environment.read(fields),
            has_env_file="env_file" in fields,
            labels={label: text or "" for label, text in fields.pairs("labels").items()},
            command=command,
            entrypoint=entrypoint,
            ports=ports.read(fields),
            mounts=tuple(mounts.mounts),
            uploads=tuple(mounts.uploads),
            networks=self._networks(name, fields, mode),
            network_mode=mode,
            depends_on=self._depends_on(fields),
            healthcheck=self._healthcheck(fields) if "healthcheck" in fields else None,
            container_name=container_name,
            stop_seconds=10 if grace is None else max(grace, 1),
            restart=policy,
            max_retries=attempts,
            options=others,
        )

    def _keys(self, fields: Fields) -> None:
        known = {**keys.WORKS, **keys.NO_EFFECT, "scale": ""}
        for key in fields.value:
            if key in keys.REFUSED:
                fields.refuse(key, *keys.REFUSED[key])
            elif key not in known and not keys.is_extension(key):
                fields.refuse(key, "is no key of a service", "correct it, or take it out")
        is_own = self.is_stack_image(fields.text("image") or "")
        if fields.text("pull_policy") not in {None, "missing", "if_not_present"} and not is_own:
            fields.refuse(
                "pull_policy",
                f"is {fields.text('pull_policy')!r}, and an image changes here only if the file or the stack says so",
                "take it out",
            )

    def _security(self, fields: Fields, option: str) -> str:
        """The option, with the content of the file that it names for seccomp: Docker takes no path."""
        kind, *profile = re.split("[=:]", option, maxsplit=1)
        if kind != "seccomp" or not profile or profile[0] in {"unconfined", "builtin"}:
            return option
        try:
            return f"seccomp={json.dumps(json.loads(self.checkout.read(profile[0])), separators=(',', ':'))}"
        except CheckoutError as error:
            fields.refuse("security_opt", error.cause, error.remedy)
        except (ValueError, RecursionError):
            fields.refuse("security_opt", f"names {profile[0]!r}, which is no JSON", "correct the file")
        return option

    def _image(self, fields: Fields) -> str:
        image = fields.text("image")
        if image is None:
            if "build" in fields:
                cause, remedy = (
                    "is built, and nothing is built on the Docker host",
                    "add 'image: IMAGE' beside build, or another image that is in a registry",
                )
            else:
                cause, remedy = "has no image", "add 'image: IMAGE' for the image that CI sets, or another"
            fields.source.refuse(fields.path, cause, remedy)
            return "none"
        if self.is_stack_image(image):
            return ""
        if not image or any(character.isspace() for character in image):
            fields.refuse("image", f"is {image!r}, which is no image", "name one, such as 'postgres:17'")
        return image

    def _grace(self, fields: Fields) -> int | None:
        if "stop_grace_period" not in fields:
            return None
        try:
            return math.ceil(values.milliseconds(fields.value["stop_grace_period"]) / 1000)
        except ValueError as error:
            fields.refuse("stop_grace_period", str(error), "write such as 30s")
            return None

    def _command(self, fields: Fields, key: str) -> tuple[str, ...] | None:
        value = fields.value.get(key)
        if value is None:
            return None
        if isinstance(value, list):
            return fields.texts(key)
        try:
            return values.words(fields.text(key) or "")
        except ValueError as error:
            fields.refuse(key, str(error), "write it as a list: [sh, -c, 'COMMAND'] if a shell is to read it")
            return None

    def _commands(self, fields: Fields) -> tuple[tuple[str, ...] | None, tuple[str, ...] | None]:
        """The command and the entrypoint, as Docker's provider can be given them."""
        command, entrypoint = self._command(fields, "command"), self._command(fields, "entrypoint")
        if entrypoint == ("",):
            # To Docker that is none too.
            entrypoint = ()
        if entrypoint == () and not command:
            fields.refuse(
                "entrypoint",
                "is empty, which Docker's provider takes for the image's own",
                "write the program as the entrypoint",
            )
        if entrypoint is not None and (not entrypoint or "" in (command or ())):
            # To Docker both are one list of words, and the provider can send no empty list and no empty word else.
            return None, (*entrypoint, *(command or ()))
        if "" in (command or ()):
            fields.refuse(
                "command",
                "has an empty word, which Docker's provider refuses",
                "write the image's entrypoint too: with one, it can be sent",
            )
        return command, entrypoint

    def _networks(self, service: str, fields: Fields, mode: str | None) -> tuple[Attachment, ...]:
        if mode is not None:
            if "networks" in fields:
                fields.refuse("networks", "stands beside network_mode", "keep one of the two")
            return ()
        linked = self.linked.get(service, ())
        if not fields.value.get("networks"):
            return (Attachment(network="default", aliases=tuple(linked)),)
        found = []
        for name, given in fields.named("networks").items():
            if name != "default" and name not in self.networks:
                fields.refuse("networks", f"names {name!r}, which is not declared", "declare it below networks")
            given.only({"aliases", "priority", *_ATTACHMENT})
            found.append(
                Attachment(
                    network=name,
                    aliases=tuple(dict.fromkeys([*given.texts("aliases"), *linked])),
                    options={key: self._attachment_option(given, key) for key in sorted(_ATTACHMENT) if key in given},
                )
            )
        return tuple(found)

    def _attachment_option(self, given: Fields, key: str) -> object:
        if key == "gw_priority":
            return given.number(key)
        if key == "link_local_ips":
            return list(given.texts(key))
        if key == "driver_opts":
            return [f"{name}={text or ''}" for name, text in sorted(given.pairs(key).items())]
        return given.text(key)

    def _depends_on(self, fields: Fields) -> tuple[Dependency, ...]:
        found: dict[str, Dependency] = {}
        for service, _ in links(fields):
            found[service] = Dependency(service=service)
        for name, given in fields.named("depends_on").items():
            given.only({"condition", "required", "restart"})
            condition = given.text("condition") or "service_started"
            if condition not in _CONDITIONS:
                given.refuse("condition", f"is {condition!r}", f"use one of: {', '.join(_CONDITIONS)}")
                continue
            if given.boolean("required") is not False or name in self._services(fields):
                found[name] = Dependency(service=name, condition=condition)  # type: ignore[arg-type]
        for name in found:
            if name in fields.source.left_out:
                fields.refuse(
                    "depends_on",
                    f"names {name!r}, which its profiles leave out",
                    "mark it 'required: false', or take 'profiles' from that service",
                )
            elif name not in self._services(fields):
                fields.refuse("depends_on", f"names {name!r}, which is no service here", "correct it")
        return tuple(found.values())

    def _services(self, fields: Fields) -> Mapping[str, object]:
        services: Mapping[str, object] = fields.source.value["services"]
        return services

    def _healthcheck(self, fields: Fields) -> Healthcheck:
        given = fields.child("healthcheck")
        given.only({"test", "interval", "timeout", "retries", "start_period", "start_interval", "disable"})
        if given.boolean("disable"):
            return Healthcheck(test=("NONE",))
        value, test = given.value.get("test"), None
        if isinstance(value, list):
            test = given.texts("test")
            if not test or test[0] not in {"NONE", "CMD", "CMD-SHELL"}:
                given.refuse("test", "does not start with NONE, CMD or CMD-SHELL", "correct the list")
        elif value is not None:
            test = ("CMD-SHELL", given.text("test") or "")
        times: dict[str, str] = {}
        for key in ("interval", "timeout", "start_period", "start_interval"):
            if key in given:
                try:
                    times[key] = values.go_duration(given.value[key])
                except ValueError as error:
                    given.refuse(key, str(error), "write such as 30s")
        return Healthcheck(test=test, retries=given.number("retries"), **times)


def links(fields: Fields) -> Iterator[tuple[str, str]]:
    """The services that a service is linked to, each with the name that it has for it."""
    for text in fields.texts("links"):
        service, _, alias = text.partition(":")
        yield service, alias or service
