"""The block `app`: what runs, the same on every target. Pure: no Pulumi here."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from components.settings import rules
from components.settings.block import Block
from components.settings.conditions import Condition, any_of, equals, given, negation, overlap
from components.settings.key import SecretText, key


@dataclass(frozen=True, kw_only=True)
class Health(Block):
    """How it is seen that the application can serve: by a path, or by a command."""

    path: str | None = key(
        "Path that answers with a status of 200 to 399 when, and only when, the application can serve. On Kubernetes "
        "the kubelet asks. On a Docker host the container asks itself: `wget -q -O /dev/null "
        "http://127.0.0.1:PORT/PATH`, or `curl -fsS -o /dev/null` if the image has no wget; an image without a shell "
        "and one of the two needs `command`.",
        rule=rules.HTTP_PATH,
        default=None,
        example="/healthz",
    )
    command: tuple[str, ...] | None = key(
        "Command inside of the container that succeeds when, and only when, the application can serve.",
        rule=rules.ARGUMENT,
        unique=False,
        default=None,
        example=["/app", "check"],
    )

    conditions: ClassVar[tuple[Condition, ...]] = (
        Condition(
            when=given("path"),
            then="refused",
            path="command",
            cause="stands beside a path",
            remedy="keep one of the two",
        ),
        Condition(
            when=negation(any_of(given("path"), given("command"))),
            then="required",
            path="path",
            cause="is missing",
            remedy="use a path such as '/healthz', or a command",
        ),
    )


@dataclass(frozen=True, kw_only=True)
class App(Block):
    """The application: one container that serves HTTP, or a worker that serves nobody."""

    port: int | None = key(
        "Port the container listens on; a worker has none, nor what only has variables for `dockerHost.compose`.",
        low=1,
        high=65535,
        default=None,
        default_text="**required**, but for a worker",
        example=8080,
    )
    worker: bool = key(
        "Whether the container listens on no port: it gets no Service, no Ingress and no route, and its health is seen "
        "by a command, or by its being there.",
        default=False,
        example=True,
    )
    command: tuple[str, ...] | None = key(
        "Command that runs in place of the image's entry point (ENTRYPOINT); the image's arguments (CMD) are then left "
        "out too.",
        rule=rules.SCRIPT,
        unique=False,
        default=None,
        default_text="the image's",
        example=["/app", "serve"],
    )
    args: tuple[str, ...] | None = key(
        "Arguments of the command, in place of the image's (CMD).",
        rule=rules.SCRIPT,
        unique=False,
        default=None,
        default_text="the image's",
        example=["--verbose"],
    )
    health: Health = key(
        "How it is seen that the application can serve.",
        default=Health(path="/"),
        default_text="`{path: /}`",
        example={"path": "/healthz"},
    )
    env: Mapping[str, str] = key(
        "Environment variables, which every diff shows.",
        names=rules.ENV_NAME,
        default={},
        example={"LOG_LEVEL": "info"},
    )
    secrets: Mapping[str, SecretText] = key(
        "Environment variables whose values are encrypted in the stack file and shown nowhere.",
        names=rules.ENV_NAME,
        default={},
        secrecy="must",
        example={"DB_PASSWORD": "a secret"},
    )
    memory: str = key(
        "Memory the container gets, and its limit.",
        rule=rules.MEMORY,
        default="256Mi",
        examples=("128Mi", "16Mi", "2Gi"),
    )
    writable: tuple[str, ...] = key(
        "Folders that can be written to, empty at the start; all others are read-only.",
        rule=rules.MOUNT_PATH,
        default=("/tmp",),
        example=["/tmp", "/var/cache/nginx"],
    )

    conditions: ClassVar[tuple[Condition, ...]] = (
        Condition(
            when=overlap("env", "secrets"),
            then="refused",
            path="env",
            cause="has a name that secrets has too",
            remedy="keep it in one of the two",
        ),
        *(
            Condition(
                when=equals("worker", True),
                then="refused",
                path=path,
                cause="is of what serves, and a worker does not",
                remedy="take it out, or take out app.worker",
            )
            for path in ("port", "health.path")
        ),
    )

    @property
    def serves(self) -> int:
        """The port of an application that is no worker."""
        if self.port is None:
            raise ValueError("port: a worker has none")
        return self.port

    @property
    def health_path(self) -> str | None:
        """The path by which its health is seen; None if that is a command, or nothing."""
        return None if self.worker else self.health.path
