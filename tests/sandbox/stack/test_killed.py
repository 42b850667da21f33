"""An `up` on a real cluster that is killed at any of its steps, and the documented recovery."""

import json

from sandbox.instance import Instance
from sandbox.machine.waiting import wait
from tests.support.cluster import REPOSITORY, Make, Stack, kubectl
from tests.support.killed import killed_ups, numbers, up_killed_at


def images(instance: Instance, namespace: str) -> set[str]:
    """The images of the Pods that are there, those on their way out too."""
    pods = json.loads(kubectl(instance, "get", "pods", "-n", namespace, "-o", "json"))["items"]
    return {pod["spec"]["containers"][0]["image"].partition("@")[0] for pod in pods}


def assert_serves(instance: Instance, stack: Stack, namespace: str, version: str) -> None:
    assert wait(lambda: images(instance, namespace) == {f"{REPOSITORY}:{version}"}, 120), images(instance, namespace)
    made = json.loads(kubectl(instance, "get", "deployments,services", "-n", namespace, "-o", "json"))["items"]
    assert sorted(item["kind"] for item in made) == ["Deployment", "Service"]
    assert stack.summary("--expect-no-changes") == {}


def test_first_up_that_is_killed_again_and_again_is_completed_by_the_next(
    instance: Instance, make: Make, namespace: str
) -> None:
    stack = make("live", "app", "registry", kubernetes={"namespace": namespace})
    seen: list[str] = []
    # One after the other, each of which gets further than the one before.
    for number in numbers():
        step = up_killed_at(stack.project, number)
        print(step)
        if step is None:
            break
        seen.append(step)
    assert_serves(instance, stack, namespace, "1.0.0")
    assert seen


def test_after_a_kill_at_any_step_of_another_image_one_up_makes_that_version_serve(
    instance: Instance, make: Make, namespace: str
) -> None:
    stack = make("live", "app", "registry", kubernetes={"namespace": namespace})
    stack.up()
    for version, step in killed_ups(stack.project, lambda version: stack.set("image", f"{REPOSITORY}:{version}")):
        if step:
            stack.up()
        assert_serves(instance, stack, namespace, version)
