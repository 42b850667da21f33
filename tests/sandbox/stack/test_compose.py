"""A team's own compose file on the Docker host: `pulumi up` over ssh, while the site is asked for all the time."""

import json
import os
from collections.abc import Iterator

import pytest

from sandbox.hosts.docker_host import DOCKER
from sandbox.instance import Instance
from tests.support.compose_stack import HOST, ComposeStack, publish_others
from tests.support.docker_stack import Load


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
    assert found["migration"]["State"]["Status"] == "exited"
    assert found["migration"]["State"]["ExitCode"] == 0
    assert found["web"]["NetworkSettings"]["Networks"].keys() == {"traefik", "shop_default"}
    assert "POSTGRES_PASSWORD=canary-7b1de0c2" in found["database"]["Config"]["Env"]
    for run in shop.project.runs:
        assert "canary-7b1de0c2" not in run.text
    assert "canary-7b1de0c2" not in shop.project.export()


def test_a_second_preview_is_empty(shop: ComposeStack) -> None:
    assert shop.summary() == {}
    shop.up("--expect-no-changes", "--refresh")


def test_an_image_change_loses_no_request_and_leaves_the_database_alone(shop: ComposeStack) -> None:
    before = shop.services()
    with Load(shop.instance, host=HOST, path="/shop/version.txt") as load:
        for version in ("2.0.0", "1.0.0", "2.0.0"):
            shop.deploy(version)
    assert load.failed == []
    after = shop.services()
    assert json.dumps({name: after[name]["Id"] == before[name]["Id"] for name in sorted(after)}) == json.dumps(
        {"cache": True, "database": True, "migration": False, "web": False, "worker": False}
    )
