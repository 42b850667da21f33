"""The example of a compose file through its own pipeline, under load, on both versions of Traefik."""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from sandbox.example import images as site_image
from sandbox.hosts.docker_host import DOCKER
from sandbox.instance import Instance
from sandbox.machine.waiting import wait
from sandbox.names import CACHE
from sandbox.toolchain.build import programs
from sandbox.toolchain.images import File, build
from sandbox.toolchain.modules import TRAEFIK_2
from tests.support.blog import Site
from tests.support.cluster import kubectl
from tests.support.compose_stack import EXAMPLE, publish_others
from tests.support.docker_stack import host, kill
from tests.support.gitlab_repository import Repository
from tests.support.mixed_load import MixedLoad
from tests.support.proxied import ask

HOST, PATH, FORM = "shop.example.org", "/shop/version.txt", "/shop/order"
CHANGES = 10
RATE = 50
"""Requests a second, each on a connection of its own."""
DRAINS = "\tshutdown_delay 5s\n"
"""What has the example's server serve on after SIGTERM."""
Shop = tuple[Site, Repository]


@pytest.fixture(scope="module")
def shop(instance: Instance, images: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """The stack prod of the example, whose image its own pipeline has built and deployed."""
    assert images

    def change(config: dict[str, Any]) -> None:
        config["access"] |= {"previewProject": "group/shop", "createNamespace": False, "serviceAccount": "shop"}
        del config["access"]["protect"]
        config["registry"]["project"] = "group/shop"
        for block in ("app", "kubernetes", "dockerHost"):
            del config[block]

    kubectl(instance, "create", "namespace", "compose")
    folder = tmp_path_factory.mktemp("shop")
    site = Site(instance, folder, project="group/shop", namespace="compose", change=change)
    other = publish_others(instance, "group/shop")
    docker = {"address": instance.docker.address, "hostKey": instance.docker.host_key, "identityFile": "${SSH_KEY}"}
    check = "wget -q -O /dev/null http://127.0.0.1:8080/passwd"
    env = {"DATABASE_IMAGE": other, "CACHE_IMAGE": other, "DATABASE_CHECK": check}
    config = {key: value for key, value in site.config.items() if key != "image"}
    config |= {"filesFrom": "application", "app": {"env": env}}
    site.write("prod", config | {"dockerHost": {**docker, "compose": ["docker-compose.yml"], "project": "store"}})
    site.pulumi("config", "set", "--secret", "--path", "gitlab-deploy:app.secrets.DATABASE_PASSWORD", "canary-8f3a")
    site.program.push("The shop")
    application = site.application("compose", "group/shop")
    site.developer["GITLAB_DEPLOY_FILES"] = str(application.clone)
    deployed = site.runner.run(application)
    assert deployed.code == 0, deployed.masked
    yield site, application
    site.close()
    kubectl(instance, "delete", "namespace", "compose", "--wait=false")


@pytest.fixture(params=["3", "2"])
def traefik(request: pytest.FixtureRequest, instance: Instance) -> Iterator[str]:
    """The major version of the Docker host's proxy."""
    if request.param == "2":
        kill(instance, "traefik")
        instance.docker.start_proxy(programs(TRAEFIK_2, CACHE)["traefik"])
    yield request.param
    if request.param == "2":
        kill(instance, "traefik")
        instance.docker.start_proxy()


def publish(site: Site, version: str, *, drains: bool) -> str:
    """Has an image of the example in the registry that shows a version; its reference."""
    caddyfile = (EXAMPLE / "app" / "Caddyfile").read_text()
    assert DRAINS in caddyfile
    files = {"app/Caddyfile": File((caddyfile if drains else caddyfile.replace(DRAINS, "")).encode())}
    files |= {"app/version.txt": File(f"{version}\n".encode()), **site_image.server_files()}
    definition = (
        (EXAMPLE / "Containerfile").read_text().replace("ARG SERVER_IMAGE\nFROM ${SERVER_IMAGE}", "FROM server")
    )
    gitlab = site.instance.gitlab
    build(f"{site_image.SERVER}\n{definition}", files).push(
        gitlab.registry, f"group/shop:{version}", gitlab.credentials
    )
    return f"registry.sandbox.test/group/shop:{version}"


def by_pipeline(shop: Shop, number: int) -> str:
    """A commit goes through the pipeline; the version that it deploys."""
    site, application = shop
    (application.clone / "app" / "number.txt").write_text(f"{number}\n")
    application.push(f"Change {number}")
    done = site.runner.run(application)
    assert done.code == 0, done.masked
    return f"{application.git('rev-parse', 'HEAD')[:8]}-{site.runner.pipelines}"


def by_hand(shop: Shop, traefik: str, number: int) -> str:
    """`pulumi up`, as the job has it, of an image that stops at once every second time; the version."""
    site, _ = shop
    version = f"{traefik}.{number}.0"
    image = publish(site, version, drains=number % 2 == 0)
    site.pulumi("config", "set", "gitlab-deploy:image", image)
    site.pulumi("up", "--yes", "--skip-preview")
    return version


def database(site: Site) -> str:
    """The id of the database's container."""
    label = "label=com.docker.compose.service=database"
    return host(site.instance).run(*DOCKER, "ps", "--quiet", "--no-trunc", "--filter", label).strip()


def test_ten_image_changes_of_a_compose_file_fail_no_request(shop: Shop, traefik: str) -> None:
    site, _ = shop
    assert wait(lambda: ask(site.instance.docker, HOST, PATH).status == 200, 30)
    kept, ups, seconds = database(site), [], []
    with MixedLoad(site.instance, rate=RATE, host=HOST, path=PATH, form=FORM) as load:
        for number in range(1, CHANGES + 1):
            begun = time.monotonic()
            # The first version came by one too.
            in_pipeline = traefik == "3" and number == CHANGES
            version = by_pipeline(shop, number) if in_pipeline else by_hand(shop, traefik, number)
            ups.append((time.monotonic(), version))
            seconds.append(round(ups[-1][0] - begun, 1))
            assert wait(lambda: load.answers[-1].asked > ups[-1][0] + 1, 20)
    print(
        f"Traefik {traefik}: {CHANGES} changes in {seconds} s; {len(load.answers)} requests on new connections, "
        f"{len(load.kept)} on kept ones, {len(load.sent)} forms; {len(load.failed)} failed: {load.failed[:5]}"
    )
    assert load.failed == []
    assert min(len(load.kept), len(load.sent)) > 10 * CHANGES
    for done, version in ups:
        assert load.versions(done, done + 1) == {version}
    assert database(site) == kept
