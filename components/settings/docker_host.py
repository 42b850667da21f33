"""The block `dockerHost`: where the application runs, on a Docker host over ssh. Pure: no Pulumi here."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from components.settings import rules
from components.settings.block import Block
from components.settings.conditions import Condition, given, negation
from components.settings.key import SecretText, key


@dataclass(frozen=True, kw_only=True)
class Publish(Block):
    """A port of the Docker host itself. It rules out an overlap of the old and the new container."""

    port: int = key("Port on the host.", low=1, high=65535, example=80)
    address: str = key(
        "Address of the host the port is bound to; by default only the host itself reaches it.",
        rule=rules.BIND_ADDRESS,
        default="127.0.0.1",
        examples=("0.0.0.0", "::1"),
    )


@dataclass(frozen=True, kw_only=True)
class DockerHost(Block):
    """The application on a Docker host: a container behind the reverse proxy that is there, or on a published port."""

    address: str = key(
        "Address of the host.",
        rule=rules.DOCKER_ADDRESS,
        examples=("ssh://deploy@docker.example.com", "ssh://deploy@[2001:db8::1]:2222"),
    )
    host_key: str = key(
        "Public key of the host, as `ssh-keyscan` prints it behind the name.",
        rule=rules.HOST_KEY,
        example="ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIN1TP8Zk3fIPC98LZDnN3wH4hrQAwW1FW7pZb4FaV/b1",
    )
    identity_file: str | None = key(
        "Private key to log in with; ssh expands ~ and ${VARIABLE} in it.",
        rule=rules.KEY_FILE,
        default=None,
        default_text="the agent's keys, then ssh's default files",
        examples=("~/.ssh/deploy", "${SSH_KEY}"),
    )
    name: str = key(
        "Name of the route and, on a published port, of the container: one for each application and host.",
        rule=rules.DNS_LABEL,
        default="",
        default_text="`web-STACK`, as a DNS label",
        example="blog",
    )
    host: str | None = key(
        "Host name the reverse proxy routes to the container.",
        rule=rules.DNS_NAME,
        default=None,
        default_text="no route",
        example="blog.example.net",
    )
    network: str = key(
        "The reverse proxy's own network, which is there already.",
        rule=rules.DOCKER_NAME,
        default="traefik",
        example="proxy",
    )
    entry_point: str = key(
        "Traefik entry point of the route.", rule=rules.DOCKER_NAME, default="websecure", example="https"
    )
    cert_resolver: str | None = key(
        "Traefik certificate resolver of the route.",
        rule=rules.DOCKER_NAME,
        default=None,
        default_text="the entry point's own certificate",
        example="letsencrypt",
    )
    publish: Publish | None = key(
        "A port of the Docker host itself.", default=None, default_text="no port", example={"port": 80}
    )
    wait_seconds: int = key(
        "How long a new container may take to be healthy.", low=5, high=600, default=60, example=120
    )
    overlap_seconds: int = key(
        "How long a new container runs beside the old one once it is healthy: Traefik takes up to two seconds to route "
        "to it. An image that serves on for five seconds after SIGTERM, while its health check fails, needs "
        "none: 0.",
        low=0,
        high=60,
        default=3,
        example=5,
    )
    stop_seconds: int = key(
        "How long an old container may take to stop before it is killed.", low=1, high=600, default=30, example=60
    )
    files: Mapping[str, SecretText] = key(
        "Text files put into the container, by their path; with any, its root filesystem is not read-only.",
        names=rules.MOUNT_PATH,
        default={},
        secrecy="may",
        example={"/etc/app.conf": "workers = 2\n"},
    )
    volumes: Mapping[str, str] = key(
        "Named volumes, by the path they are mounted at.",
        names=rules.MOUNT_PATH,
        rule=rules.DOCKER_NAME,
        default={},
        example={"/var/lib/blog": "blog-data"},
    )

    compose: tuple[str, ...] | None = key(
        "Compose files, in the folder that `filesFrom` says; a later one overrides an earlier one. Each service is a "
        "container of the stack; a service with the image `IMAGE`, or of the repository of `image`, gets the stack's "
        "image. Variables are those of `app.env` and `app.secrets`.",
        rule=rules.FILES,
        default=None,
        default_text="one container of `app`",
        example=["docker-compose.yml"],
    )
    project: str = key(
        "Name of the compose project: its containers, networks and volumes are named by it. Another one later leaves "
        "the volumes behind.",
        rule=rules.COMPOSE_PROJECT,
        default="",
        default_text="`name` in the compose file, else the last part of `gitlabProject`",
        example="blog",
    )

    conditions: ClassVar[tuple[Condition, ...]] = tuple(
        Condition(
            when=negation(given("host")),
            then="refused",
            path=path,
            cause="belongs to a route, which is made only if 'host' is given",
            remedy="add the host or take this out",
        )
        for path in ("network", "entryPoint", "certResolver")
    )
