"""Rollouts that break: each run reports its own reason, the old Pods serve on, and it never ends green."""

import json
import os
import re
from collections.abc import Iterator

import pytest

from sandbox.instance import Instance
from sandbox.machine.waiting import wait
from tests.support.cluster import REPOSITORY, Deployed
from tests.support.docker_stack import Load
from tests.support.project import Run

NAMESPACE = "rollout"


@pytest.fixture(scope="module")
def deployed(instance: Instance, broken: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    """The committed stack in a namespace of its own."""
    assert broken is None
    folder = tmp_path_factory.mktemp("rollout")
    stack = Deployed(instance, folder, os.environ | instance.environment(), NAMESPACE)
    stack.up()
    # Only now: a first pull may come before the pull secret, and is tried again after ten seconds.
    stack.set("kubernetes.graceSeconds", "2")
    yield stack
    stack.destroy()


def fail(deployed: Deployed, image: str) -> Run:
    """Deploys an image whose rollout breaks, while the site is asked for all the time."""
    deployed.set("image", f"{REPOSITORY}:{image}")
    # Only of a Pod that might still get ready does nobody know more than that.
    deployed.set("kubernetes.waitSeconds", "5" if image == "deaf" else "300")
    served = deployed.site()
    with Load(deployed.instance, rate=10, address=deployed.address()) as load:
        run = deployed.project.pulumi("up", "--yes", "--skip-preview")
    assert run.code != 0, run.text
    assert load.failed == []
    assert {answer.body for answer in load.answers} == {served}
    assert re.search(rf"The rollout of {NAMESPACE}/web to {REPOSITORY}:{image} failed after \d+ s:", run.text)
    assert "Traceback" not in run.text
    return run


def is_probed(deployed: Deployed, image: str) -> bool:
    """Whether a Pod with the image was found not ready, with an event that says so."""
    pods, events = (
        json.loads(deployed.kubectl("get", kind, "-n", NAMESPACE, "-o", "json").stdout)["items"]
        for kind in ("pods", "events")
    )
    named = {
        pod["metadata"]["name"]
        for pod in pods
        if pod["spec"]["containers"][0]["image"].partition("@")[0] == f"{REPOSITORY}:{image}"
    }
    return any(event["involvedObject"]["name"] in named for event in events if event["reason"] == "Unhealthy")


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        (
            "crashes",
            [
                ": its container exits with code 1 (Error)",
                "log: wget: can't connect to remote host (127.0.0.1): Connection refused",
            ],
        ),
        ("deaf", [": its container runs and is not ready", "event: Readiness probe failed: "]),
    ],
)
def test_broken_image_is_reported_with_its_reason_while_the_old_pods_serve_on(
    deployed: Deployed, image: str, expected: list[str]
) -> None:
    run = fail(deployed, image)
    if image == "deaf":
        # A slow machine may not have started its container in the time that this run has.
        assert wait(lambda: is_probed(deployed, image), 120)
    else:
        assert all(text in run.text for text in expected), run.text
    # Nothing is left to change, and it is no green run.
    again = deployed.project.pulumi("up", "--yes", "--skip-preview")
    assert again.code != 0
    assert all(text in again.text for text in expected), again.text
    # While it waits, and not once more among the messages at the end.
    during, _, after = again.stdout.partition("Diagnostics:")
    assert "web: 0 of 2 Pods ready" in during
    assert "Pods ready" not in after
    # The image that failed was not deployed, so the one before it is still the stack's own.
    assert deployed.output("deployment")["image"] == f"{REPOSITORY}:1.0.0"


def test_the_image_before_is_deployed_again_after_a_broken_one(deployed: Deployed) -> None:
    run = fail(deployed, "9.9.9")
    assert ": its image cannot be pulled: " in run.text
    assert "not found" in run.text
    deployed.set("image", f"{REPOSITORY}:1.0.0")
    deployed.up()
    assert deployed.serves("1.0.0")
    assert deployed.summary("--expect-no-changes") == {}


def test_a_quota_is_reported_and_the_next_up_succeeds_once_it_is_large_enough(deployed: Deployed) -> None:
    quota = ("resourcequota", "small", "-n", NAMESPACE)
    assert deployed.kubectl("create", "quota", "small", "-n", NAMESPACE, "--hard=pods=2").code == 0
    try:
        assert "No Pod can be created: pods " in (run := fail(deployed, "2.0.0")).text
        assert "exceeded quota: small" in run.text
    finally:
        assert deployed.kubectl("delete", *quota).code == 0
    deployed.up()
    assert deployed.serves("2.0.0")
    assert deployed.output("deployment")["image"] == f"{REPOSITORY}:2.0.0"


def test_failed_rollout_is_rolled_back_in_the_cluster_if_that_is_wanted(deployed: Deployed) -> None:
    served = deployed.site()
    deployed.set("kubernetes.onFailure", "rollback")
    assert "The Deployment was rolled back one revision. Fix the cause" in fail(deployed, "crashes").text
    assert image(deployed) == f"{REPOSITORY}:{served}"
    again = deployed.project.pulumi("up", "--yes", "--skip-preview")
    assert again.code != 0
    assert re.search(
        rf"The Deployment runs {REPOSITORY}:{served}, rolled back after the rollout of {REPOSITORY}:crashes "
        r"\(generation \d+\) had failed; change what broke it, or try again with 'pulumi up --refresh'",
        again.text,
    )
    deployed.set("kubernetes.onFailure", "keep")
    other = {"1.0.0": "2.0.0", "2.0.0": "1.0.0"}[served]
    deployed.set("image", f"{REPOSITORY}:{other}")
    deployed.up()
    assert deployed.serves(other)


def image(deployed: Deployed) -> str:
    """The image that the Deployment in the cluster names."""
    found: str = deployed.get("deployment", "web")["spec"]["template"]["spec"]["containers"][0]["image"]
    return found


def test_image_that_was_set_by_hand_is_reported_by_the_next_up(deployed: Deployed) -> None:
    served = deployed.site()
    assert deployed.kubectl("set", "image", "deployment/web", "-n", NAMESPACE, f"app={REPOSITORY}:9.9.9").code == 0
    run = deployed.project.pulumi("up", "--yes", "--skip-preview")
    assert run.code != 0
    assert f"The Deployment was given the image {REPOSITORY}:9.9.9 by hand; 'pulumi up --refresh' sets" in run.text
    deployed.up("--refresh")
    assert image(deployed) == f"{REPOSITORY}:{served}"
