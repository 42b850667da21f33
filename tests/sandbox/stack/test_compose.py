"""A team's own compose file on the Docker host: `pulumi up` over ssh, while the site is asked for all the time."""

import os
import time
from collections.abc import Iterator

import pytest

from sandbox.hosts.docker_host import DOCKER
from sandbox.instance import Instance
from sandbox.machine.waiting import wait
from tests.support.compose_stack import ComposeStack, loaded, publish_others
from tests.support.ops_command import ops


@pytest.fixture(scope="module")
def other(instance: Instance, images: dict[str, str]) -> str:
    assert images
    return publish_others(instance)


@pytest.fixture(scope="module")
def shop(instance: Instance, other: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ComposeStack]:
    """The example, put up once for the tests of this module, and destroyed after them."""
    stack = ComposeStack(instance, tmp_path_factory.mktemp("compose"), os.environ | instance.environment(), other)
    stack.up()
    yield stack
    stack.destroy()
    assert stack.services() == {}
    # What is in a volume outlives the stack.
    assert "shop_data" in stack.on_host(*DOCKER, "volume", "ls", "--quiet").split()
    assert "shop_default" not in stack.on_host(*DOCKER, "network", "ls", "--format", "{{.Name}}").split()


def test_each_service_is_a_container_with_the_names_of_compose(shop: ComposeStack) -> None:
    found = shop.services()
    assert found.keys() == {"web", "worker", "migration", "database", "cache"}
    assert found["database"]["Name"] == "/shop-database-1"
    assert found["database"]["Mounts"][0]["Name"] == "shop_data"
    assert (found["migration"]["State"]["Status"], found["migration"]["State"]["ExitCode"]) == ("exited", 0)
    assert found["web"]["NetworkSettings"]["Networks"].keys() == {"traefik", "shop_default"}
    listed = shop.compose("ps", "--all", "--format", "{{.Service}}").split()
    assert sorted(listed) == sorted(found)
    read = 'read line </etc/redis/redis.conf && echo "$line"'
    assert shop.compose("exec", "-T", "cache", "/bin/sh", "-c", read) == "maxmemory 64mb"


def test_a_secret_of_the_stack_file_is_in_the_container_and_nowhere_else(shop: ComposeStack) -> None:
    assert "POSTGRES_PASSWORD=canary-7b1de0c2" in shop.services()["database"]["Config"]["Env"]
    shop.project.pulumi("preview", "--diff", "--refresh")
    for run in shop.project.runs:
        assert "canary-7b1de0c2" not in run.text
    assert "canary-7b1de0c2" not in shop.project.export()


def test_a_second_run_changes_nothing(shop: ComposeStack) -> None:
    before = {name: container["Id"] for name, container in shop.services().items()}
    shop.up("--expect-no-changes", "--refresh")
    assert {name: container["Id"] for name, container in shop.services().items()} == before
    verified = ops(shop.project, "verify", "--job", "--path", "/shop/version.txt", **authority(shop))
    assert verified.code == 0, verified.text
    assert "6 of 6 checks passed" in verified.stdout


def authority(stack: ComposeStack) -> dict[str, str]:
    return {"SITE_CA_FILE": str(stack.instance.docker.certificate.authority)}


def test_an_image_change_loses_no_request_and_leaves_the_database_alone(shop: ComposeStack) -> None:
    before = shop.services()
    ups = []
    with loaded(shop) as load:
        for version in ("2.0.0", "1.0.0"):
            shop.deploy(version)
            ups.append((time.monotonic(), version))
        assert wait(lambda: load.answers[-1].asked > ups[-1][0] + 1, 10)
    assert load.failed == []
    for done, version in ups:
        assert load.versions(done, done + 1) == {version}
    after = shop.services()
    kept = {name for name in after if after[name]["Id"] == before[name]["Id"]}
    assert kept == {"cache", "database"}


def test_a_migration_that_fails_leaves_the_site_as_it_is(shop: ComposeStack) -> None:
    before = shop.services()
    shop.change_file("wget -q -O - http://database:8080/", "echo no schema; exit 7")
    with loaded(shop) as load:
        run = shop.project.pulumi("up", "--yes", "--skip-preview")
    assert run.code != 0
    assert "the service migration does not complete:" in run.text
    assert "exit 7" in run.text
    assert "log: no schema" in run.text
    assert load.failed == []
    after = shop.services()
    assert {name for name in after if after[name]["Id"] != before[name]["Id"]} == {"migration"}
    shop.change_file("echo no schema; exit 7", "wget -q -O - http://database:8080/")
    shop.up()


def test_an_image_that_is_never_healthy_is_removed_and_the_old_one_serves(shop: ComposeStack, broken: None) -> None:
    assert broken is None
    before = shop.services()
    shop.choose("crashes")
    with loaded(shop) as load:
        run = shop.project.pulumi("up", "--yes", "--skip-preview")
    assert run.code != 0
    assert load.failed == []
    assert shop.services()["web"]["Id"] == before["web"]["Id"]
    shop.deploy("2.0.0")
    assert shop.services()["web"]["Id"] != before["web"]["Id"]
