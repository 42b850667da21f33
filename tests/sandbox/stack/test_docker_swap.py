"""Image changes behind the real proxy, of images that stop at once: what requests meet, and what stops a change."""

import os
import time
from collections.abc import Iterator

import pytest

from sandbox.example import images as site
from sandbox.hosts.docker_host import DOCKER
from sandbox.instance import Instance
from sandbox.machine.waiting import wait
from tests.support.docker_stack import DockerStack, Load

STOPS = tuple(f"stops-{version}" for version in site.VERSIONS)
"""Tags of the versions of the site that end at once on SIGTERM."""
CHANGES = 10


@pytest.fixture(scope="module")
def stopping(instance: Instance, images: dict[str, str]) -> None:
    assert images
    for version, tag in zip(site.VERSIONS, STOPS, strict=True):
        image = site.site(version, site.STOPS)
        image.push(instance.gitlab.registry, f"{site.REPOSITORY}:{tag}", instance.gitlab.credentials)


@pytest.fixture(scope="module")
def blog(instance: Instance, stopping: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DockerStack]:
    """The stack `sandbox` with an image that stops at once, put up once for the tests of this module."""
    assert stopping is None
    stack = DockerStack(instance, tmp_path_factory.mktemp("docker"), os.environ | instance.environment(), stopSeconds=1)
    stack.choose(STOPS[0])
    stack.up()
    yield stack
    stack.destroy()
    assert stack.containers() == []


def test_no_request_fails_while_an_image_that_stops_at_once_changes(blog: DockerStack) -> None:
    blog.wait_for("1.0.0")
    ups = []
    with Load(blog.instance) as load:
        for number in range(1, CHANGES + 1):
            blog.deploy(STOPS[number % 2])
            ups.append((time.monotonic(), site.VERSIONS[number % 2]))
        assert wait(lambda: load.answers[-1].asked > ups[-1][0] + 1, 10)
    print(f"{CHANGES} changes, {len(load.answers)} requests, {len(load.failed)} failed")
    assert load.failed == []
    assert len(load.answers) > 50 * CHANGES
    for done, version in ups:
        assert load.versions(done, done + 1) == {version}
    assert len(blog.containers()) == 1


def test_a_route_that_the_proxy_refuses_swaps_nothing_and_the_old_one_serves_on(blog: DockerStack) -> None:
    before = blog.containers()
    blog.change(entryPoint="websecured")
    blog.choose(STOPS[1])
    with Load(blog.instance) as load:
        run = blog.project.pulumi("up", "--yes", "--skip-preview")
    assert run.code != 0
    said = " ".join(run.text.split())
    assert "does not route blog.example.org to it (it answers with status 404)" in said
    assert "see in the proxy's log whether it knows the entry point 'websecured'" in said
    assert "is removed, and the old one serves on" in said
    assert load.failed == []
    assert {answer.body for answer in load.answers} == {"1.0.0"}
    assert blog.containers() == before

    # The same image again, which the run that failed has left in the state.
    blog.change(entryPoint=None)
    with Load(blog.instance) as load:
        blog.up()
    assert load.failed == []
    blog.wait_for("2.0.0")
    assert len(blog.containers()) == 1
    assert blog.summary("--expect-no-changes") == {}


def test_a_container_that_was_removed_by_hand_is_created_again(blog: DockerStack) -> None:
    (name,) = blog.containers()
    blog.on_host(*DOCKER, "rm", "--force", name)
    blog.up()
    assert blog.containers() not in ([], [name])
    assert blog.summary("--expect-no-changes") == {}
