"""Deploys by CI, and by developers whose stack files are behind: what was meant last is what runs."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.instance import Instance
from tests.support.cluster import REPOSITORY, Deployed
from tests.support.project import Run
from tests.support.s3 import bucket

ONE, TWO = f"{REPOSITORY}:1.0.0", f"{REPOSITORY}:2.0.0"


@pytest.fixture
def deployed(instance: Instance, images: dict[str, str], tmp_path: Path) -> Iterator[Deployed]:
    """The committed stack with version 1.0.0, deployed by pipeline 811, with its state in a bucket."""
    assert images
    with bucket(tmp_path / "s3") as backend:
        environment = os.environ | instance.environment() | backend
        stack = Deployed(instance, tmp_path, environment, "image", rollback=False)
        stack.set("kubernetes.replicas", "1")
        run = ci(stack, 811, ONE)
        assert run.code == 0, run.text
        yield stack
        stack.destroy()


def ci(stack: Deployed, iid: int, image: str) -> Run:
    """The deploy job of a pipeline, in a checkout of its own: it sets the image, and is done with the stack file."""
    file = stack.project.folder / "Pulumi.sandbox.yaml"
    checked_in = file.read_text()
    job = {
        "GITLAB_CI": "true",
        "CI_JOB_ID": str(7000 + iid),
        "CI_JOB_TOKEN": "glcbt-of-this-job",
        "CI_PROJECT_PATH": "group/blog",
        "CI_PROJECT_ID": "20",
        "CI_PIPELINE_IID": str(iid),
        "CI_PIPELINE_URL": f"{stack.instance.gitlab.url}/group/blog/-/pipelines/{iid}",
        "CI_COMMIT_SHA": f"{iid:040x}",
    }
    try:
        stack.set("image", image)
        command = ("pulumi", "up", "--yes", "--skip-preview", "--non-interactive", "--stack", "sandbox")
        return stack.project.run(*command, **job)
    finally:
        file.write_text(checked_in)


def refused(stack: Deployed, run: Run, sentence: str) -> None:
    """Nothing was changed, and the sentence says why."""
    assert run.code != 0, run.text
    assert sentence in run.text
    assert "nothing was changed:" in run.text
    assert "Traceback" not in run.text
    assert stack.site() == stack.output("deployment")["image"].rpartition(":")[2]


def test_what_the_newest_intended_deploy_said_stays(deployed: Deployed) -> None:
    # The developer's stack file still says 1.0.0, when pipeline 812 has deployed 2.0.0.
    run = ci(deployed, 812, TWO)
    assert run.code == 0, run.text
    assert f"image: {TWO}, from CI, pipeline 812; it replaces {ONE}" in run.text
    assert deployed.serves("2.0.0")
    refused(
        deployed,
        deployed.project.pulumi("up", "--yes", "--skip-preview"),
        f"gitlab-deploy:image is {ONE}, which was deployed once and then replaced by {TWO} (by pipeline 812); to "
        "keep what runs, take the key out with 'pulumi config rm gitlab-deploy:image'; to go back on purpose, set "
        "gitlab-deploy:rollback to true",
    )

    # The way out that the sentence names.
    assert deployed.project.pulumi("config", "rm", "gitlab-deploy:image").code == 0
    assert deployed.summary("--expect-no-changes") == {}

    # A pipeline that was overtaken.
    refused(
        deployed,
        ci(deployed, 810, f"{REPOSITORY}:0.9.0"),
        "is registry.sandbox.test/group/blog:0.9.0 from pipeline 810, which is older than pipeline 812, the newest one",
    )

    # Back with one key, and no further with the next run.
    deployed.set("rollback", "true")
    assert f"image: {ONE}, rolled back by gitlab-deploy:rollback; it replaces {TWO}" in deployed.up().text
    assert deployed.serves("1.0.0")
    assert deployed.output("deployment")["rolledBack"] is True
    assert deployed.summary("--expect-no-changes") == {}

    # Forward again by the deploy job of that pipeline, as by the button Rollback on the page of GitLab's environment.
    assert deployed.project.pulumi("config", "rm", "gitlab-deploy:rollback").code == 0
    run = ci(deployed, 812, TWO)
    assert run.code == 0, run.text
    said = f"image: {TWO}, rolled back by a deploy job of pipeline 812 that was run again; it replaces {ONE}"
    assert said in run.text
    assert deployed.serves("2.0.0")
