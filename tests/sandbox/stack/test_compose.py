"""A team's own compose file on the Docker host: `pulumi up` over ssh, while the site is asked for all the time."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.hosts.docker_host import DOCKER
from sandbox.instance import Instance
from sandbox.machine.waiting import wait
from tests.support.cluster import REPOSITORY
from tests.support.compose_stack import ComposeStack, publish_others
from tests.support.docker_stack import Load
from tests.support.ops_command import ops
from tests.support.proxied import ask


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


def loaded(stack: ComposeStack) -> Load:
    """Requests to the site of a stack."""
    assert wait(lambda: ask(stack.instance.docker, stack.host, "/shop/version.txt").status == 200, 30)
    return Load(stack.instance, host=stack.host, path="/shop/version.txt")


def test_each_service_is_a_container_with_the_names_of_compose(shop: ComposeStack) -> None:
    found = shop.services()
    assert found.keys() == {"web", "worker", "migration", "database", "cache"}
    assert found["database"]["Name"] == "/shop-database-1"
    assert found["database"]["Mounts"][0]["Name"] == "shop_data"
    assert (found["migration"]["State"]["Status"], found["migration"]["State"]["ExitCode"]) == ("exited", 0)
    assert found["web"]["NetworkSettings"]["Networks"].keys() == {"traefik", "shop_default"}
    listed = shop.compose("ps", "--all", "--format", "{{.Service}}").split()
    assert sorted(listed) == sorted(found)
    assert shop.compose("exec", "-T", "cache", "cat", "/etc/redis/redis.conf") == "maxmemory 64mb"


def test_a_secret_of_the_stack_file_is_in_the_container_and_nowhere_else(shop: ComposeStack) -> None:
    assert "POSTGRES_PASSWORD=canary-7b1de0c2" in shop.services()["database"]["Config"]["Env"]
    shop.project.pulumi("preview", "--diff", "--refresh")
    for run in shop.project.runs:
        assert "canary-7b1de0c2" not in run.text
    assert "canary-7b1de0c2" not in shop.project.export()


def test_a_second_run_changes_nothing(shop: ComposeStack) -> None:
    before = {name: container["Id"] for name, container in shop.services().items()}
    assert shop.summary() == {}
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
        for version in ("2.0.0", "1.0.0", "2.0.0"):
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
    assert "the service migration does not complete:\nContainer " in run.text
    assert "exit 7" in run.text
    assert "log: no schema" in run.text
    assert load.failed == []
    after = shop.services()
    assert {name for name in after if after[name]["Id"] != before[name]["Id"]} == {"migration"}
    shop.change_file("echo no schema; exit 7", "wget -q -O - http://database:8080/")
    shop.up()
    assert shop.summary() == {}


def test_an_image_that_is_never_healthy_is_removed_and_the_old_one_serves(shop: ComposeStack, broken: None) -> None:
    assert broken is None
    before = shop.services()
    shop.choose("crashes")
    with loaded(shop) as load:
        run = shop.project.pulumi("up", "--yes", "--skip-preview")
    assert run.code != 0
    assert load.failed == []
    assert shop.services()["web"]["Id"] == before["web"]["Id"]
    shop.deploy("1.0.0")
    assert shop.services()["web"]["Id"] != before["web"]["Id"]


def test_a_project_that_compose_made_is_taken_over_while_it_serves(
    instance: Instance, shop: ComposeStack, other: str, tmp_path: Path
) -> None:
    stack = ComposeStack(instance, tmp_path, os.environ | instance.environment(), other, "legacy")
    file = stack.project.folder / "docker-compose.yml"
    # As the recipe has it: with the image in place of the word.
    rendered = file.read_text().replace("image: IMAGE", f"image: {REPOSITORY}:1.0.0")
    (tmp_path / "docker-compose.yml").write_text(rendered)
    (tmp_path / "redis.conf").write_text((stack.project.folder / "redis.conf").read_text())
    variables = {
        "DATABASE_IMAGE": other,
        "CACHE_IMAGE": other,
        "DATABASE_PASSWORD": "canary-7b1de0c2",
        "DATABASE_CHECK": "wget -q -O /dev/null http://127.0.0.1:8080/passwd",
    }
    assert shop.services()
    stack.compose("--file", str(tmp_path / "docker-compose.yml"), "up", "--detach", "--pull", "never", **variables)
    before = stack.services()
    stack.compose("exec", "-T", "cache", "sh", "-c", "true")
    data = before["database"]["Mounts"][0]["Name"]
    assert data == "legacy_data"

    refused = stack.project.pulumi("up", "--yes", "--skip-preview")
    assert refused.code != 0
    assert "is of a compose project legacy that this stack did not create" in refused.text
    assert "run 'python -m ops adopt --stack legacy'" in refused.text
    assert stack.services() == before

    with loaded(stack) as load:
        adopted = ops(stack.project, "adopt", "--stack", "legacy", "--yes")
        assert adopted.code == 0, adopted.text
    assert load.failed == []
    assert stack.summary() == {}
    after = stack.services()
    assert after["database"]["Mounts"][0]["Name"] == data
    assert {name for name in after if after[name]["Id"] == before[name]["Id"]} == set()
    with loaded(stack) as load:
        stack.deploy("2.0.0")
    assert load.failed == []
    assert stack.services()["database"]["Id"] == after["database"]["Id"]
    stack.destroy()
    assert stack.services() == {}
    assert data in stack.on_host(*DOCKER, "volume", "ls", "--quiet").split()
