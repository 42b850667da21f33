import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pulumi
import pytest

from components.compose import probe
from components.compose.names import of_container
from components.compose.present import Present
from components.compose.serving import Serving
from components.compose.turns import Turns
from components.docker_app.listed_container import ListedContainer
from components.docker_app.remote_docker import ApiAnswer
from components.docker_app.swap import Generation
from components.outputs import ComposeOutput
from tests.support.compose_files import service
from tests.support.compose_project import args
from tests.support.docker_double import HOST_KEY, DockerDouble, done

ROUTED = "labels: {traefik.http.routers.a.rule: PathPrefix(`/`)}"

STARTED = "2026-01-01T08:00:00Z"


class Host(DockerDouble):
    """A host whose containers, by id, are in these states."""

    def __init__(self, **states: dict[str, Any]) -> None:
        def api(method: str, path: str) -> ApiAnswer:
            if path == "/info":
                return ApiAnswer(status=200, body=json.dumps({"SystemTime": STARTED}))
            id_ = path.split("/")[2].split("?", maxsplit=1)[0]
            if method == "POST" and path.endswith("/start"):
                states[id_] = {"Status": "running", "Health": {"Status": "healthy"}}
            if id_ not in states:
                return ApiAnswer(status=404, body='{"message": "no such container"}')
            state = {"StartedAt": STARTED, "ExitCode": 0, **states[id_]}
            return ApiAnswer(status=200, body=json.dumps({"State": state, "RestartCount": 0}))

        def answer(*arguments: str) -> Any:
            stdout = {"inspect": json.dumps({"Status": "exited", "ExitCode": 3}), "ps": "\n".join(states)}
            return done(arguments, stdout=stdout.get(arguments[0], "2026 no schema\n"))

        super().__init__(api=api, answer=answer)


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("components.compose.waiting._POLL_SECONDS", 0.001)
    monkeypatch.setattr("components.compose.waiting.SETTLED_SECONDS", 0.01)
    monkeypatch.setattr("asyncio.sleep", _no_sleep)
    for level in ("info", "warn", "error"):
        monkeypatch.setattr(pulumi.log, level, lambda *_, **__: None)


_sleep = asyncio.sleep


async def _no_sleep(_: float) -> None:
    await _sleep(0)


def serving(host: Host, body: str = ROUTED, **changes: Any) -> Serving:
    made = args(service(body), remote=host, **changes)
    return Serving(args=made, service=made.project.services["web"], parent=pulumi.Resource.__new__(pulumi.Resource))


def listed(id_: str, state: str = "running", **labels: str) -> ListedContainer:
    own = {"com.docker.compose.service": "web", "gitlab-deploy.id": "own-id", **labels}
    return ListedContainer(id=id_, name=f"blog-web-{id_}", state=state, labels=own)


def complete(one: Serving, id_: str) -> str:
    return asyncio.run(one.complete(id_, None))


HEALTHY = {"Status": "running", "Health": {"Status": "healthy"}}


def test_an_unchanged_container_that_serves_is_not_asked_for() -> None:
    host = Host(c1=HEALTHY)
    one = serving(host, present=Present(containers=(listed("c1"),)))
    assert complete(one, "c1") == "c1"
    assert (host.requests, host.commands) == ([], [])


def test_a_container_that_was_stopped_by_hand_is_started() -> None:
    host = Host(c1={"Status": "exited"})
    one = serving(host, present=Present(containers=(listed("c1", state="exited"),)))
    assert complete(one, "c1") == "c1"
    assert ("POST", "/containers/c1/start") in host.requests


@pytest.mark.parametrize("body", ['restart: "no"', "command: setup"])
def test_what_ended_well_and_nothing_starts_again_is_left_alone(body: str) -> None:
    host = Host(c1={"Status": "exited"})
    one = serving(host, body, present=Present(containers=(listed("c1", state="exited"),)))
    assert complete(one, "c1") == "c1"
    assert host.requests == [("GET", "/containers/c1/json")]


@pytest.mark.parametrize("body", ['restart: "no"', "command: setup"])
def test_what_failed_and_nothing_starts_again_is_started(body: str) -> None:
    host = Host(c1={"Status": "exited", "ExitCode": 3})
    one = serving(host, body, present=Present(containers=(listed("c1", state="exited"),)))
    assert complete(one, "c1") == "c1"
    assert ("POST", "/containers/c1/start") in host.requests


def test_what_was_left_or_is_taken_over_goes_once_the_new_one_serves() -> None:
    host = Host(new=HEALTHY, old=HEALTHY)
    one = serving(host, present=Present(containers=(listed("old"),)), leftovers=(listed("old"),))
    assert complete(one, "new") == "new"
    order = [request for request in host.requests if request != ("GET", "/containers/new/json")]
    assert order == [("POST", "/containers/old/stop?t=10"), ("DELETE", "/containers/old?force=true")]
    assert host.requests[0] == ("GET", "/containers/new/json")


def test_a_new_one_that_does_not_serve_is_removed_and_nothing_else_is() -> None:
    host = Host(new={"Status": "exited", "ExitCode": 3}, old=HEALTHY)
    one = serving(host, present=Present(containers=(listed("old"),)), leftovers=(listed("old"),))
    # It is over once it has not come back.
    with pytest.raises(
        pulumi.RunError, match=r"does not serve, and its new container is removed:\nContainer new: exited"
    ):
        complete(one, "new")
    assert [request for request in host.requests if request[0] != "GET"] == [
        ("POST", "/containers/new/stop?t=10"),
        ("DELETE", "/containers/new?force=true"),
    ]


def test_a_new_one_that_stops_first_stays_to_be_looked_at() -> None:
    host = Host(new={"Status": "exited", "ExitCode": 3})
    with pytest.raises(pulumi.RunError, match=r"the service web does not serve:\nContainer new: exited, exit 3"):
        complete(serving(host, "restart: always", present=Present()), "new")
    assert not [request for request in host.requests if request[0] != "GET"]


def test_a_log_line_shows_no_value_of_an_env_file() -> None:
    host = Host(new={"Status": "exited", "ExitCode": 3})
    one = serving(host, f"{ROUTED}\nenv_file: app.env", files={"app.env": "PASSWORD=schema"}, present=Present())
    with pytest.raises(pulumi.RunError) as failed:
        complete(one, "new")
    assert "log: no [secret]" in str(failed.value)
    assert "schema" not in str(failed.value)


def test_a_container_that_the_outputs_know_and_the_host_does_not_is_said_to_be_gone() -> None:
    known: ComposeOutput[str] = {
        "address": "a",
        "hostKey": HOST_KEY,
        "project": "blog",
        "image": "i",
        "hosts": [],
        "paths": {},
        "plain": [],
        "services": {"web": {"container": "n", "id": "c1", "image": "i", "completes": False}},
        "volumes": [],
    }
    one = serving(Host(), present=Present(), previous=known)
    with pytest.raises(pulumi.RunError, match="does not exist any more; 'pulumi up --refresh' creates another"):
        complete(one, "c1")


def test_a_service_that_stops_first_waits_for_the_others_and_clears_its_place() -> None:
    host = Host(old=HEALTHY)
    one = serving(host, "restart: always", present=Present(), leftovers=(listed("old"),))
    assert asyncio.run(one.gate("sha256:1")) == "sha256:1"
    assert ("DELETE", "/containers/old?force=true") in host.requests
    swapped = Host(old=HEALTHY)
    asyncio.run(serving(swapped, present=Present(), leftovers=(listed("old"),)).gate("sha256:1"))
    assert swapped.requests == []


def test_how_an_image_is_asked_is_asked_once() -> None:
    image = "registry.example.com/group/blog:1.0.0"
    known: Any = {"services": {"web": {"image": image, "probe": "port 80"}}}
    assert asyncio.run(serving(Host(), previous=known).ask("sha256:1")) == "port 80"
    # A preview that cannot ask the host.
    assert asyncio.run(serving(Host(), present=None).ask("sha256:1")) == probe.IMAGES_OWN


PROXIED = """\
services:
  web: {image: IMAGE, labels: {traefik.http.routers.a.rule: Host(`a.example.org`)}}
  proxy: {image: "traefik:v3", ports: ["80:80"], volumes: ["/var/run/docker.sock:/var/run/docker.sock:ro"]}
"""


@pytest.mark.parametrize(("depends", "order"), [("", ["proxy", "web"]), (", depends_on: [web]", ["web"])])
def test_a_proxy_of_the_same_file_serves_before_it_is_asked(
    monkeypatch: pytest.MonkeyPatch, depends: str, order: list[str]
) -> None:
    seen: list[str] = []
    made = args(PROXIED.replace('traefik:v3"', f'traefik:v3"{depends}'), remote=Host(), present=Present())
    servings: dict[str, Serving] = {}
    parent = pulumi.Resource.__new__(pulumi.Resource)
    for name, one in made.project.services.items():
        after = [servings[other.service] for other in one.depends_on]
        servings[name] = Serving(args=made, service=one, parent=parent, after=after, beside=servings)

    class Started:
        async def future(self) -> str:
            seen.append("proxy")
            return "c2"

    servings["proxy"].done = Started()  # type: ignore[assignment]
    monkeypatch.setattr("components.docker_app.reached.Reach.problem", lambda *_: seen.append("web"))
    asyncio.run(servings["web"]._reach("c1", Generation()))
    assert seen == order


SEVERAL = """\
services:
  web: {image: IMAGE, labels: {traefik.http.routers.a.rule: Host(`a.example.org`)}, depends_on: [db]}
  db: {image: "postgres:17"}
  cache: {image: "redis:7"}
  queue: {image: "redis:7"}
  admin: {image: "adminer:4", ports: ["8080:80"]}
"""
RAN = {"db": "postgres:17", "cache": "redis:7", "queue": "redis:7", "admin": "adminer:4"}


class Later:
    """An output that is there once a test says so, or fails."""

    def __init__(self) -> None:
        self._given: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def future(self) -> str:
        return await self._given

    def resolve(self) -> None:
        self._given.set_result("c1")

    def fail(self) -> None:
        self._given.set_exception(RuntimeError("not created"))


def several(**images: str) -> tuple[dict[str, Serving], dict[str, Later]]:
    """The services of a file, and the containers of each; the last run has deployed these images.

    The service `admin` is not as it was.
    """
    known: Any = {"services": {name: {"image": image} for name, image in images.items()}}
    made = args(SEVERAL, remote=Host(), previous=known)
    running = []
    for name, one in made.project.services.items():
        labels = dict(of_container(made.project, one, made.owner))
        if name == "admin":
            labels["com.docker.compose.config-hash"] = "another"
        running.append(listed(f"{name}1", **labels))
    made = replace(made, present=Present(containers=tuple(running)))
    servings: dict[str, Serving] = {}
    turns, created = Turns(), {name: Later() for name in made.project.services}
    for name in ("db", "web", "cache", "queue", "admin"):
        one = made.project.services[name]
        servings[name] = Serving(
            args=made,
            service=one,
            parent=pulumi.Resource.__new__(pulumi.Resource),
            after=[servings[other.service] for other in one.depends_on],
            beside=servings,
            turns=turns,
            created=created[name],  # type: ignore[arg-type]
        )
    return servings, created


async def _passes(one: Serving) -> None:
    assert await asyncio.wait_for(one.gate("sha256:1"), 10) == "sha256:1"


@pytest.mark.parametrize("ends", [Later.resolve, Later.fail])
def test_services_that_stay_pass_one_by_one_if_an_image_changes(ends: Callable[[Later], None]) -> None:
    async def run() -> None:
        servings, created = several(web="blog:0", **RAN)
        await _passes(servings["cache"])
        second = asyncio.ensure_future(servings["queue"].gate("sha256:2"))
        # What changes, what it depends on, and what has another definition: the order of these is not ours to change.
        for name in ("web", "db", "admin"):
            await _passes(servings[name])
        assert not second.done()
        ends(created["cache"])
        assert await asyncio.wait_for(second, 10) == "sha256:2"

    asyncio.run(run())


def test_nothing_waits_for_its_turn_if_no_image_changes() -> None:
    async def run() -> None:
        servings, _ = several(web=str(args(SEVERAL).image), **RAN)
        for one in servings.values():
            await _passes(one)

    asyncio.run(run())


def test_what_is_waited_for_is_said_while_the_provider_creates_it(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(pulumi.log, "info", lambda text, *_, **__: said.append(text))
    one = serving(Host(c1=HEALTHY))

    async def create() -> None:
        created = pulumi.ResourceHookArgs("urn", "c1", "blog-web", "type", new_inputs={"name": "blog-web-1"})
        await one.watch(created)
        assert said == ["web: waiting until it is healthy"]
        await one.complete("c1", None)

    asyncio.run(create())
    assert one._progress == []
    assert said[1:] == ["web: waiting until it serves"]
