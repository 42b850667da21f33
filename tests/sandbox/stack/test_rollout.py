"""Rollouts that break: each tells its own reason within seconds, the old Pods serve on, and it never ends green."""

import os
import re
from collections.abc import Iterator

import pytest

from sandbox.instance import Instance
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
    yield stack
    stack.destroy()


def fail(deployed: Deployed, image: str) -> Run:
    """Deploys an image whose rollout breaks, while the site is asked for all the time."""
    deployed.set("image", f"{REPOSITORY}:{image}")
    # Only of a Pod that might still get ready does nobody know more than that.
    deployed.set("kubernetes.waitSeconds", "15" if image == "deaf" else "300")
    with Load(deployed.instance, rate=10, address=deployed.address()) as load:
        run = deployed.project.pulumi("up", "--yes", "--skip-preview")
    assert run.code != 0, run.text
    assert load.failed == []
    assert {answer.body for answer in load.answers} == {"1.0.0"}
    failed = re.search(rf"The rollout of {NAMESPACE}/web to {REPOSITORY}:{image} has failed after (\d+) s:", run.text)
    assert failed
    # The rest of a run is a few seconds, where the machine has nothing else to do.
    assert int(failed[1]) <= 25
    assert "Traceback" not in run.text
    return run


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ("9.9.9", [": its image cannot be pulled: ", "not found"]),
        (
            "crashes",
            [
                ": its container ends with exit code 1 (Error)",
                "log: wget: can't connect to remote host (127.0.0.1): Connection refused",
            ],
        ),
        ("deaf", [": its container runs and is not ready", "event: Readiness probe failed: "]),
    ],
)
def test_broken_image_tells_why_within_seconds_while_the_old_pods_serve_on(
    deployed: Deployed, image: str, expected: list[str]
) -> None:
    run = fail(deployed, image)
    for text in expected:
        assert text in run.text
    if image == "crashes":
        # Nothing is left to change, and it is no green run.
        again = deployed.project.pulumi("up", "--yes", "--skip-preview")
        assert again.code != 0
        assert "its container ends with exit code 1 (Error)" in again.text
    # The image that failed was not deployed, so the one before it is still the stack's own.
    assert deployed.output("deployment")["image"] == f"{REPOSITORY}:1.0.0"
    deployed.set("image", f"{REPOSITORY}:1.0.0")
    deployed.set("kubernetes.waitSeconds", "300")
    deployed.up()
    assert deployed.site() == "1.0.0"
    assert deployed.summary("--expect-no-changes") == {}


def test_quota_that_is_too_small_tells_why_and_the_next_up_goes_on_once_it_is_larger(deployed: Deployed) -> None:
    quota = ("resourcequota", "small", "-n", NAMESPACE)
    assert deployed.kubectl("create", "quota", "small", "-n", NAMESPACE, "--hard=pods=2").code == 0
    try:
        assert "No Pod can be made: pods " in (run := fail(deployed, "2.0.0")).text
        assert "exceeded quota: small" in run.text
    finally:
        assert deployed.kubectl("delete", *quota).code == 0
    deployed.up()
    assert deployed.site() == "2.0.0"
    assert deployed.output("deployment")["image"] == f"{REPOSITORY}:2.0.0"
    deployed.set("image", f"{REPOSITORY}:1.0.0")
    deployed.up()


def test_version_before_is_put_back_in_the_cluster_where_that_is_wanted(deployed: Deployed) -> None:
    deployed.set("kubernetes.onFailure", "rollback")
    assert "The version before was put back. Mend the cause" in fail(deployed, "crashes").text
    assert image(deployed) == f"{REPOSITORY}:1.0.0"
    again = deployed.project.pulumi("up", "--yes", "--skip-preview")
    assert again.code != 0
    assert (
        f"The Deployment runs {REPOSITORY}:1.0.0, put back after the rollout of {REPOSITORY}:crashes had failed; "
        "deploy another image, or try again with 'pulumi up --refresh'"
    ) in again.text
    deployed.set("kubernetes.onFailure", "keep")
    for version in ("2.0.0", "1.0.0"):
        deployed.set("image", f"{REPOSITORY}:{version}")
        deployed.up()
        assert deployed.site() == version


def image(deployed: Deployed) -> str:
    """The image that the cluster has been told to run."""
    found: str = deployed.get("deployment", "web")["spec"]["template"]["spec"]["containers"][0]["image"]
    return found


def test_image_that_was_set_by_hand_is_told_by_the_next_up(deployed: Deployed) -> None:
    assert deployed.kubectl("set", "image", "deployment/web", "-n", NAMESPACE, f"app={REPOSITORY}:2.0.0").code == 0
    run = deployed.project.pulumi("up", "--yes", "--skip-preview")
    assert run.code != 0
    assert f"The Deployment was given the image {REPOSITORY}:2.0.0 by hand; 'pulumi up --refresh' puts" in run.text
    deployed.up("--refresh")
    assert deployed.site() == "1.0.0"
