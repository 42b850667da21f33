"""A cluster and a Docker host that several share: what is there, what is in somebody's way, and what serves."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, cast

from sandbox.hosts.docker_host import DOCKER
from sandbox.instance import Instance
from sandbox.machine.waiting import wait
from tests.support.background import Background
from tests.support.cluster import REPOSITORY, committed, kubectl
from tests.support.docker_stack import host
from tests.support.proxied import Answer, ask, ask_plain

_KINDS = "deployments,services,networkpolicies,poddisruptionbudgets,secrets"
_RUNTIME = ("status",)
_VOLATILE = ("resourceVersion", "managedFields", "generation")


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a stack is to be: on the Docker host the three of them, on the cluster the name alone."""

    name: str
    host: str
    port: int


@dataclass(frozen=True, kw_only=True)
class Thing:
    """Something that somebody made."""

    id: str
    name: str
    state: str
    """Changes if anybody changes it."""
    claims: frozenset[str] = frozenset()
    """What nobody else can have at the same time."""


class Ground(Protocol):
    """Where stacks and others are side by side."""

    def things(self) -> dict[str, Thing]:
        """Everything that anybody has made there, by its id."""

    def claims(self, place: Place) -> frozenset[str]:
        """What a stack at a place needs for itself."""

    def blocks(self, place: Place) -> dict[str, Any]:
        """The blocks of a stack file that put a stack there."""

    def site(self, place: Place) -> str | None:
        """Where its site is asked; None if nothing leads there."""

    def ask(self, site: str) -> Answer:
        """What a site answers."""

    def version(self, thing: Thing) -> str | None:
        """The version of the site that it runs; None if it runs none."""


@dataclass(frozen=True, kw_only=True)
class OnDocker:
    """The Docker host; `published` if its stacks have a port in place of a route."""

    instance: Instance
    published: bool = False

    def things(self) -> dict[str, Thing]:
        """The containers."""
        ids = self._docker("ps", "--all", "--quiet", "--no-trunc").split()
        found = json.loads(self._docker("inspect", *ids)) if ids else []
        return {item["Id"]: self._thing(item) for item in found}

    def claims(self, place: Place) -> frozenset[str]:
        """The route, or the port and the name."""
        if self.published:
            return frozenset({f"port {place.port}", f"name {place.name}"})
        return frozenset({f"Host(`{place.host}`)"})

    def blocks(self, place: Place) -> dict[str, Any]:
        """A container behind the proxy, or on a port of the host."""
        block = committed()["dockerHost"] | {
            "address": self.instance.docker.address,
            "name": place.name,
            "host": place.host,
            "stopSeconds": 10,
        }
        if self.published:
            del block["host"]
            block["publish"] = {"address": "127.0.0.1", "port": place.port}
        return {"dockerHost": block, "registry": committed()["registry"]}

    def site(self, place: Place) -> str | None:
        """Its host name."""
        return None if self.published else place.host

    def ask(self, site: str) -> Answer:
        """Through the proxy."""
        return ask(self.instance.docker, site)

    def version(self, thing: Thing) -> str | None:
        """That of the container's image, if it runs."""
        (found,) = json.loads(self._docker("inspect", thing.id))
        for version in ("1.0.0", "2.0.0"):
            image = self._docker("images", "--no-trunc", "--quiet", f"{REPOSITORY}:{version}").strip()
            if found["State"]["Status"] == "running" and found["Image"] == image:
                return version
        return None

    def by_hand(self, name: str, site: str, labels: Mapping[str, str]) -> None:
        """Runs the site behind the proxy, as somebody does by hand."""
        rules = {
            "traefik.enable": "true",
            f"traefik.http.routers.{name}.rule": f"Host(`{site}`)",
            f"traefik.http.routers.{name}.entrypoints": "websecure",
            f"traefik.http.routers.{name}.tls": "true",
            f"traefik.http.services.{name}.loadbalancer.server.port": "8080",
        }
        options = [f"--label={key}={value}" for key, value in (rules | dict(labels)).items()]
        self._docker("run", "--detach", "--network=traefik", f"--name={name}", *options, f"{REPOSITORY}:1.0.0")

    def log_in(self) -> None:
        """Lets the host itself pull, and pulls both versions."""
        user, password = self.instance.gitlab.credentials
        server = REPOSITORY.partition("/")[0]
        # Not in the home of the machine's user, which all hosts of all sandboxes see.
        login = (*DOCKER, "--config", "/run/neighbours")
        host(self.instance).run(*login, "login", "--username", user, "--password-stdin", server, stdin=password)
        for version in ("1.0.0", "2.0.0"):
            host(self.instance).run(*login, "pull", f"{REPOSITORY}:{version}")

    def remove(self, *names: str) -> None:
        """Removes containers."""
        self._docker("rm", "--force", *names)

    def _docker(self, *arguments: str) -> str:
        return host(self.instance).run(*DOCKER, *arguments)

    def _thing(self, item: dict[str, Any]) -> Thing:
        name = item["Name"].removeprefix("/")
        rules = {text for label, text in item["Config"]["Labels"].items() if label.endswith(".rule")}
        bound = item["HostConfig"]["PortBindings"] or {}
        ports = {f"port {port['HostPort']}" for ports in bound.values() for port in ports}
        state = f"{name}, {item['State']['Status']}"
        return Thing(id=item["Id"], name=name, state=state, claims=frozenset({*rules, *ports, f"name {name}"}))


@dataclass(frozen=True, kw_only=True)
class OnCluster:
    """A namespace of the cluster that somebody made by hand."""

    instance: Instance
    namespace: str

    def things(self) -> dict[str, Thing]:
        """The objects, but for those that are on their way out, as a Deployment is until its Pods have ended."""
        return {item["metadata"]["uid"]: self._thing(item) for item in self._items() if not _is_going(item)}

    def claims(self, place: Place) -> frozenset[str]:
        """The names of its objects."""
        kinds = ("Deployment", "Service", "NetworkPolicy", "PodDisruptionBudget")
        return frozenset({*(f"{kind}/{place.name}" for kind in kinds), f"Secret/pull-{place.name}"})

    def blocks(self, place: Place) -> dict[str, Any]:
        """A Deployment and what belongs to it."""
        target = {"namespace": self.namespace, "name": place.name, "replicas": 1}
        pull = committed()["registry"] | {"pullSecret": f"pull-{place.name}"}
        return {"cluster": "sandbox", "kubernetes": target, "registry": pull}

    def site(self, place: Place) -> str | None:
        """The address of its Service, if there is one."""
        found = json.loads(kubectl(self.instance, "get", "services", "-n", self.namespace, "-o", "json"))["items"]
        return next((item["spec"]["clusterIP"] for item in found if item["metadata"]["name"] == place.name), None)

    def ask(self, site: str) -> Answer:
        """At the Service's own address."""
        return ask_plain(site)

    def version(self, thing: Thing) -> str | None:
        """That of a Deployment's Pods."""
        kind, _, name = thing.name.partition("/")
        if kind != "Deployment":
            return None
        found = json.loads(kubectl(self.instance, "get", "deployment", name, "-n", self.namespace, "-o", "json"))
        image: str = found["spec"]["template"]["spec"]["containers"][0]["image"]
        return image.partition("@")[0].rpartition(":")[2]

    def by_hand(self, name: str) -> str:
        """Runs the site behind a Service, as somebody does by hand; the Service's address."""
        user, password = self.instance.gitlab.credentials
        where = ("-n", self.namespace)
        login = (f"--docker-username={user}", f"--docker-password={password}")
        server = f"--docker-server={REPOSITORY.partition('/')[0]}"
        kubectl(self.instance, "create", "secret", "docker-registry", "by-hand", server, *login, *where)
        # The cluster makes it a moment after the namespace.
        kubectl(self.instance, "wait", "serviceaccount/default", "--for=create", "--timeout=120s", *where)
        account = '{"imagePullSecrets": [{"name": "by-hand"}]}'
        kubectl(self.instance, "patch", "serviceaccount", "default", "--patch", account, *where)
        kubectl(self.instance, "create", "deployment", name, f"--image={REPOSITORY}:1.0.0", *where)
        kubectl(self.instance, "expose", "deployment", name, "--port=80", "--target-port=8080", *where)
        address = self.site(Place(name=name, host="", port=0))
        assert address
        return address

    def remove(self, name: str) -> None:
        """Removes what was made by hand."""
        objects = (f"deployment/{name}", f"service/{name}", "secret/by-hand")
        kubectl(self.instance, "delete", *objects, "-n", self.namespace, "--ignore-not-found")

    def settle(self) -> None:
        """Waits until nothing is on its way out."""
        assert wait(lambda: not any(map(_is_going, self._items())), 120)

    def _items(self) -> list[dict[str, Any]]:
        found = json.loads(kubectl(self.instance, "get", _KINDS, "-n", self.namespace, "-o", "json"))
        return cast("list[dict[str, Any]]", found["items"])

    def _thing(self, item: dict[str, Any]) -> Thing:
        name = f"{item['kind']}/{item['metadata']['name']}"
        kept = {key: value for key, value in item["metadata"].items() if key not in _VOLATILE}
        content = {key: value for key, value in item.items() if key not in _RUNTIME} | {"metadata": kept}
        state = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
        return Thing(id=item["metadata"]["uid"], name=name, state=f"{name}, {state}", claims=frozenset({name}))


def _is_going(item: dict[str, Any]) -> bool:
    return "deletionTimestamp" in item["metadata"]


class Watch(Background):
    """Asks sites all the time, until the block ends; what was wrong is in `failed`."""

    def __init__(self, sites: Mapping[tuple[Ground, str], set[str]]) -> None:
        """`sites` are the versions that each may answer."""
        self.failed: list[str] = []
        self._sites = sites
        super().__init__()

    def _run(self) -> None:
        while not self._end.wait(0.2):
            for (ground, site), versions in self._sites.items():
                answer = ground.ask(site)
                if answer.status != 200 or answer.body not in versions:
                    self.failed.append(f"{site}: {answer.status} {answer.body}, not {versions}")
