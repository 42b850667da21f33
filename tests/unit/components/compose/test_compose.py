from typing import Any

import pulumi
import pytest

from components.compose import names, routes
from components.compose.model import Service
from components.compose.quick_start import quick_start
from components.docker_app.swap import Generation, digest
from components.image.reference import ImageReference
from tests.support.compose_files import IMAGE, read, service
from tests.support.compose_project import args, declare
from tests.support.recorder import Declaration, Recorder

CONTAINER = "docker:index/container:Container"
SHOP = """\
services:
  web:
    image: IMAGE
    networks: [proxy, default]
    environment: {PASSWORD: $PASSWORD, LEVEL: info}
    depends_on: [database]
    healthcheck: {test: [CMD, check], interval: 5s}
    labels:
      traefik.enable: "true"
      traefik.http.routers.shop.rule: Host(`shop.example.org`)
  database:
    image: postgres:17
    restart: unless-stopped
    volumes: ["data:/var/lib/postgresql/data"]
    environment: {POSTGRES_PASSWORD: $PASSWORD}
    ports: ["127.0.0.1:5432:5432"]
volumes: {data: }
networks: {proxy: {external: true}}
"""
SECRETS = {"PASSWORD": "canary"}


def declared(text: str = SHOP, **changes: Any) -> Recorder:
    return declare(args(text, secrets=SECRETS, **changes), SECRETS, preview=False)


def container(run: Recorder, name: str) -> Declaration:
    return run.one(CONTAINER, f"blog-{name}")


def labels(of: Declaration) -> dict[str, str]:
    return {one["label"]: one["value"] for one in of.inputs["labels"]}


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Recorder:
    return quiet(monkeypatch)


def quiet(monkeypatch: pytest.MonkeyPatch, **changes: Any) -> Recorder:
    """The example, on a host where everything serves at once."""

    async def nothing(*_: object) -> list[str]:
        return []

    monkeypatch.setattr("components.compose.waiting.Waiting.problem", nothing)
    monkeypatch.setattr("components.docker_app.reached.Reach.problem", lambda *_: None)
    return declared(**changes)


def test_each_service_network_and_volume_is_a_resource_of_the_component(shop: Recorder) -> None:
    assert shop.types() == [
        CONTAINER,
        CONTAINER,
        "docker:index/network:Network",
        "docker:index/remoteImage:RemoteImage",
        "docker:index/remoteImage:RemoteImage",
        "docker:index/volume:Volume",
    ]
    assert {one.parent for one in shop.declarations if one.custom} == {"compose"}
    assert shop.one("docker:index/network:Network").inputs["name"] == "blog_default"
    assert shop.one("docker:index/volume:Volume").inputs["name"] == "blog_data"


def test_names_and_labels_are_those_that_docker_compose_looks_for(shop: Recorder) -> None:
    database = container(shop, "database")
    assert database.inputs["name"] == "blog-database-1"
    found = labels(database)
    assert found.pop("com.docker.compose.config-hash")
    assert found == {
        "com.docker.compose.project": "blog",
        "com.docker.compose.service": "database",
        "com.docker.compose.container-number": "1",
        "com.docker.compose.oneoff": "False",
        "gitlab-deploy.id": "own-id",
        "gitlab-deploy.stack": "gitlab-deploy/prod/blog",
    }
    assert database.inputs["networksAdvanced"] == [{"name": "blog_default", "aliases": ["database"]}]
    assert database.inputs["volumes"] == [{"containerPath": "/var/lib/postgresql/data", "volumeName": "blog_data"}]
    assert database.inputs["ports"] == [{"internal": 5432, "external": 5432, "ip": "127.0.0.1", "protocol": "tcp"}]


def test_a_service_that_is_swapped_has_a_name_and_a_route_of_its_own(shop: Recorder) -> None:
    web = container(shop, "web")
    assert "name" not in web.inputs
    token = Generation().token
    (router,) = [label for label in labels(web) if label.endswith(".rule") and "-probe." not in label]
    assert router != f"traefik.http.routers.shop-{token}.rule"
    assert router.startswith("traefik.http.routers.shop-")
    assert [one["name"] for one in web.inputs["networksAdvanced"]] == ["proxy", "blog_default"]


def test_a_container_keeps_its_route_until_what_it_is_made_of_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    first = Generation(number=1, token="first-one")

    def rule(kept: str, image: str = "1.0.0", **secrets: str) -> str:
        other = ImageReference.parse(f"registry.example.com/group/blog:{image}")
        made = args(SHOP, secrets=SECRETS, image=other, swaps={"blog-web": noted}, kept={"blog-web": kept})
        run = declare(made, SECRETS | secrets, preview=False)
        all_labels = labels(container(run, "web"))
        (found,) = [label for label in all_labels if label.endswith(".rule") and "-probe." not in label]
        return found

    quiet(monkeypatch)
    web = quick_start(read(SHOP, secrets=list(SECRETS)).services["web"], None)
    made_of = [names.definition(web), routes.of_generation(web.labels, "web", Generation()), str(IMAGE), True, "canary"]
    noted = first.output("blog-web-1", digest(made_of))
    same = "traefik.http.routers.shop-first-one.rule"
    assert rule("blog-web-1") == same
    assert rule("blog-web-1", image="2.0.0") != same
    assert rule("blog-web-1", PASSWORD="another") != same
    assert rule("blog-web-0") != same
    # Labels that this program makes otherwise by now: two containers may not have one router with different ones.
    monkeypatch.setattr(routes, "_FIRST", 1_000_000)
    assert rule("blog-web-1") != same


@pytest.mark.parametrize(("api", "is_quick"), [("1.43", False), ("1.44", True)])
def test_a_check_is_quick_as_long_as_the_last_host_that_was_asked_knows_it(
    monkeypatch: pytest.MonkeyPatch, api: str, *, is_quick: bool
) -> None:
    known: Any = {"api": api, "services": {}, "hosts": [], "project": "blog", "volumes": []}
    for changes in ({"api": api}, {"previous": known}):
        check = container(quiet(monkeypatch, **changes), "web").inputs["healthcheck"]
        assert ("startInterval" in check) is is_quick


def test_no_provider_waits_for_what_is_beside_one_that_serves(shop: Recorder) -> None:
    assert container(shop, "web").inputs["wait"] is False
    gap = container(declared(service("ports: ['80:80']\nhealthcheck: {test: [CMD, check]}")), "web")
    assert gap.inputs["wait"] is True


def test_secrets_are_secret_and_no_text_of_the_state_has_them(shop: Recorder) -> None:
    for name in ("web", "database"):
        assert "envs" in container(shop, name).secret
        assert "labels" not in container(shop, name).secret
    assert container(shop, "web").inputs["envs"] == ["LEVEL=info", "PASSWORD=canary"]
    for one in shop.declarations:
        for key, value in one.inputs.items():
            assert "canary" not in str(value) or key in one.secret, (one.name, key)


def test_what_is_secret_may_stand_in_every_place_that_is_kept_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    body = """\
command: serve --password $PASSWORD
entrypoint: [/bin/run, $PASSWORD]
labels: {traefik.http.middlewares.auth.basicauth.users: "$PASSWORD"}
configs: [settings]"""
    text = service(body, rest='configs: {settings: {content: "password=$PASSWORD"}}')
    web = container(quiet(monkeypatch, text=text), "web")
    assert {"command", "entrypoints", "labels", "uploads"} <= web.secret
    assert web.inputs["command"] == ["serve", "--password", "canary"]
    assert labels(web)["traefik.http.middlewares.auth.basicauth.users"] == "canary"
    assert [one["content"] for one in web.inputs["uploads"]] == ["password=canary"]


SEALED = """\
secrets: [pw, {source: key, target: /etc/key}]
configs: [settings]
env_file: app.env
labels: {traefik.enable: true}"""
DECLARED = """\
  plain: {image: "postgres:17", environment: {A: "1"}, configs: [settings]}
secrets: {pw: {file: ./pw.txt}, key: {file: ./key.bin}}
configs: {settings: {file: ./settings.conf}}"""
FILES: dict[str, str | bytes] = {
    "pw.txt": "canary-file",
    "key.bin": b"\xffcanary-key",
    "app.env": "PASSWORD=canary-env\n",
    "settings.conf": "level=info",
}


def test_a_secret_and_the_environment_of_an_env_file_are_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    run = quiet(monkeypatch, text=service(SEALED, rest=DECLARED), files=FILES)
    web, plain = container(run, "web"), container(run, "plain")
    assert {"envs", "uploads"} <= web.secret
    assert "PASSWORD=canary-env" in web.inputs["envs"]
    assert "canary-file" in [one.get("content") for one in web.inputs["uploads"]]
    assert not {"envs", "uploads", "labels"} & plain.secret
    assert "labels" not in web.secret
    for one in run.declarations:
        for key, value in one.inputs.items():
            assert "canary" not in str(value) or key in one.secret, (one.name, key)


@pytest.mark.parametrize(("file", "content"), [("pw.txt", "another"), ("app.env", "PASSWORD=another\n")])
def test_a_secret_makes_another_container_and_no_label_tells_it(file: str, content: str) -> None:
    def sealed(**changes: str) -> Service:
        return read(service(SEALED, rest=DECLARED), files={**FILES, **changes}).services["web"]

    before, after = sealed(), sealed(**{file: content})
    assert names.definition(before) != names.definition(after)
    project = read(service(SEALED, rest=DECLARED), files=FILES)
    assert names.of_container(project, before, "owner") == names.of_container(project, after, "owner")


def test_what_does_not_run_the_image_is_the_same_with_another_one(monkeypatch: pytest.MonkeyPatch) -> None:
    other = ImageReference.parse("registry.example.com/group/blog:2.0.0")
    before, after = quiet(monkeypatch), quiet(monkeypatch, image=other)
    assert container(before, "database") == container(after, "database")
    pulled = [run.one("docker:index/remoteImage:RemoteImage", "blog-image").inputs["name"] for run in (before, after)]
    assert pulled == ["registry.example.com/group/blog:1.0.0", "registry.example.com/group/blog:2.0.0"]


def test_a_dependency_orders_the_run_and_replaces_nothing(shop: Recorder) -> None:
    # A container that is stopped first takes with it whatever has a property of it.
    assert "blog-database" not in container(shop, "web").depends_on


def test_what_is_in_a_volume_outlives_its_resource_and_its_labels(shop: Recorder) -> None:
    volume = shop.one("docker:index/volume:Volume")
    assert set(volume.ignore_changes) == {"labels", "driver", "driverOpts"}


def test_a_service_that_others_wait_for_to_complete_need_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    text = service(
        "depends_on: {migration: {condition: service_completed_successfully}}",
        rest="  migration: {image: IMAGE, command: migrate}",
    )
    migration = container(quiet(monkeypatch, text=text), "migration")
    assert (migration.inputs["mustRun"], migration.inputs["wait"], migration.inputs["restart"]) == (False, False, "no")


def test_a_broken_dependency_keeps_the_next_service_from_being_touched(monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: object) -> list[str]:
        return ["exit 1"]

    monkeypatch.setattr("components.compose.waiting.Waiting.problem", broken)
    registered: list[str] = []
    register = Recorder.RegisterResource

    def noted(self: Recorder, request: Any) -> Any:
        registered.append(request.name)
        return register(self, request)

    monkeypatch.setattr(Recorder, "RegisterResource", noted)
    with pytest.raises(pulumi.RunError, match="the service database does not serve:\nexit 1"):
        declared()
    assert "blog-database" in registered
    assert "blog-web" not in registered
