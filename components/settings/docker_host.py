"""The block `dockerHost`: where the application runs, on a Docker host over ssh. Pure: no Pulumi here."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from components.settings import docker_rules, rules, traefik_labels
from components.settings.block import Block
from components.settings.conditions import Condition, Predicate, any_of, equals, given, negation
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


_OF_A_ROUTE = (
    "hosts",
    "path",
    "network",
    "entryPoint",
    "tls",
    "certResolver",
    "middlewares",
    "priority",
    "proxy",
)


def _has_undefined_middleware(fields: Mapping[str, object]) -> bool:
    given_labels, names = fields.get("labels"), fields.get("middlewares")
    if not isinstance(names, list | tuple):
        return False
    known = {traefik_labels.defined(label) for label in given_labels} if isinstance(given_labels, Mapping) else set()
    return any(isinstance(name, str) and "@" not in name and name not in known for name in names)


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
    hosts: tuple[str, ...] = key(
        "Further host names of the route.",
        rule=rules.DNS_NAME,
        default=(),
        example=["www.example.net"],
    )
    path: str = key(
        "What the path of a request starts with to be routed; the container gets it whole, unless a middleware strips "
        "it.",
        rule=rules.HTTP_PATH,
        default="/",
        example="/shop",
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
    tls: bool = key(
        "Whether the route takes requests over TLS, as opposed to those that a tunnel or load balancer has decrypted.",
        default=True,
        example=False,
    )
    cert_resolver: str | None = key(
        "Traefik certificate resolver of the route.",
        rule=rules.DOCKER_NAME,
        default=None,
        default_text="the entry point's own certificate",
        example="letsencrypt",
    )
    middlewares: tuple[str, ...] = key(
        "Traefik middlewares of the route, in the order in which they get a request: NAME@PROVIDER, or the name of one "
        "that `labels` define.",
        rule=docker_rules.MIDDLEWARE,
        default=(),
        example=["auth@file"],
    )
    priority: int | None = key(
        "Priority of the route. Containers that follow each other have this one and up to nine more.",
        low=1,
        high=1_000_000,
        default=None,
        default_text="the length of the rule, as Traefik has it",
        example=100,
    )
    proxy: str | None = key(
        "Where the reverse proxy listens, as the Docker host reaches it: a new container has to answer through it "
        "before the old one goes.",
        rule=docker_rules.ENDPOINT,
        default=None,
        default_text="`127.0.0.1:443`, without `tls` `127.0.0.1:80`",
        examples=("127.0.0.1:8443", "192.0.2.10:443"),
    )
    publish: Publish | None = key(
        "A port of the Docker host itself.", default=None, default_text="no port", example={"port": 80}
    )
    networks: tuple[str, ...] = key(
        "Further networks of the container, which are there already: of a database that it reaches by name.",
        rule=rules.DOCKER_NAME,
        default=(),
        example=["backend"],
    )
    labels: Mapping[str, str] = key(
        "Further labels of the container, such as those of a Traefik middleware.",
        names=docker_rules.CONTAINER_LABEL,
        default={},
        example={"traefik.http.middlewares.compress.compress": "true"},
    )
    wait_seconds: int = key(
        "How long a new container may take to be healthy.", low=5, high=600, default=60, example=120
    )
    health_seconds: int = key(
        "How often the container is asked whether it is healthy, once it has been; until then about once a second.",
        low=1,
        high=300,
        default=10,
        example=30,
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
    user: str | None = key(
        "User, and group, of the container's process.",
        rule=docker_rules.USER,
        default=None,
        default_text="the image's own",
        examples=("1000:1000", "nobody"),
    )
    capabilities: tuple[str, ...] = key(
        "Linux capabilities of the container; it has no others.",
        rule=docker_rules.CAPABILITY,
        default=(),
        example=["NET_BIND_SERVICE"],
    )
    binds: Mapping[str, str] = key(
        "Folders and files of the Docker host, by the path they are mounted at; with `:ro` the container cannot write "
        "to them.",
        names=rules.MOUNT_PATH,
        rule=docker_rules.HOST_MOUNT,
        default={},
        example={"/srv/media": "/data/media:ro"},
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

    @property
    def route_hosts(self) -> tuple[str, ...]:
        """The host names of the route; empty if there is none."""
        return (self.host, *self.hosts) if self.host else ()

    @property
    def joined(self) -> tuple[str, ...]:
        """The networks of the container, which have to be there; empty for Docker's default one."""
        return (*((self.network,) if self.host else ()), *self.networks)

    conditions: ClassVar[tuple[Condition, ...]] = (
        *(
            Condition(
                when=negation(any_of(given("host"), given("compose")) if path == "proxy" else given("host")),
                then="refused",
                path=path,
                cause="belongs to a route, which is made only if 'host' is given",
                remedy="add the host or take this out",
            )
            for path in _OF_A_ROUTE
        ),
        Condition(
            when=equals("tls", value=False),
            then="refused",
            path="certResolver",
            cause="stands beside 'tls: false', and there is no certificate without TLS",
            remedy="take one of the two out",
        ),
        Condition(
            when=Predicate(_has_undefined_middleware, {"not": {}}),
            then="refused",
            path="middlewares",
            cause="names a middleware with no provider, and 'labels' do not define it",
            remedy="add its provider, such as 'auth@file', or its labels",
        ),
    )
