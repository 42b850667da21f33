"""The program's own pipeline: the diff of a merge request, and the image that another project's pipeline hands over."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from ops.preview.plan_text import COMPARED
from sandbox.gitlab.auth import MAINTAINER, REPORTER
from sandbox.instance import Instance
from tests.support.blog import DEPLOYS, PASSPHRASE, Site
from tests.support.cluster import REPOSITORY
from tests.support.gitlab_job import Pipeline
from tests.support.gitlab_repository import Repository
from tests.support.project import ROOT, leaks

PROJECT = "group/gitlab-deploy"


@pytest.fixture(scope="module")
def team(instance: Instance, images: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    assert images
    made = Site(instance, tmp_path_factory.mktemp("team"), project=PROJECT, namespace="program")
    token = made.runner.token(PROJECT, REPORTER)
    made.give("GITLAB_REVIEW_TOKEN", token, masked=True, environment_scope="note/*")
    made.give("GITLAB_REVIEW_TOKEN", token, masked=True, protected=True, environment_scope="production")
    # Looking for drift reads the variables and the deploy token, for which GitLab wants a Maintainer of both projects.
    reader = made.runner.token("group", MAINTAINER, scopes=("read_api",))
    made.give("GITLAB_TOKEN", reader, masked=True, protected=True, environment_scope="production")
    yield made
    made.close()


def edit(repository: Repository, **changes: Any) -> None:
    """Changes keys of the block kubernetes in the committed stack file."""
    file = repository.clone / "Pulumi.prod.yaml"
    document = yaml.safe_load(file.read_text())
    document["config"]["gitlab-deploy:kubernetes"] |= changes
    file.write_text(yaml.safe_dump(document))


def merge_request(team: Site, branch: str) -> Any:
    return team.runner.project(PROJECT).mergerequests.create(
        {"source_branch": branch, "target_branch": "main", "title": branch}
    )


def preview(team: Site, iid: int, repository: Repository | None = None) -> Pipeline:
    """Runs the pipeline of a merge request, from another repository or the same, for the commit that is checked out."""
    source = repository or team.program
    return team.runner.run(
        source,
        "preview",
        *(["preview-note"] if source is team.program else []),
        source="merge_request_event",
        protected=False,
        CI_MERGE_REQUEST_IID=str(iid),
        CI_MERGE_REQUEST_PROJECT_PATH=PROJECT,
        CI_MERGE_REQUEST_PROJECT_ID=str(team.runner.project(PROJECT).id),
        CI_MERGE_REQUEST_SOURCE_PROJECT_PATH=source.path,
        CI_MERGE_REQUEST_DIFF_BASE_SHA=source.git("merge-base", "HEAD", "main"),
    )


def notes(team: Site, iid: int) -> list[str]:
    found = team.runner.project(PROJECT).mergerequests.get(iid).notes.list(get_all=True)
    return [note.body for note in found if not note.system]


def secrets(team: Site) -> list[str]:
    variables = team.runner.project(PROJECT).variables.list(get_all=True)
    return [v.value for v in variables if v.key != "PULUMI_BACKEND_URL"] + [PASSPHRASE]


def test_a_merge_request_that_changes_replicas_gets_its_diff_and_deploys_nothing(team: Site) -> None:
    before = team.kubectl("get", "deployment", "web", "-n", "program", "-o", "jsonpath={.metadata.generation}")
    edit(team.program, replicas=3)
    team.program.push("Three Pods", branch="three-pods")
    iid = merge_request(team, "three-pods").iid
    pipeline = preview(team, iid)
    assert pipeline.code == 0, pipeline.masked
    (note,) = notes(team, iid)
    assert note.splitlines()[1] == "### `prod`: 1 to update"
    assert "spec.replicas" in note
    report = json.loads((team.program.clone / "tfplan.json").read_text())
    assert {key: report[key] for key in ("create", "update", "delete")} == {"create": 0, "update": 1, "delete": 0}
    assert "spec.replicas" in pipeline.log
    # A new commit edits the note that is there.
    edit(team.program, replicas=2)
    team.program.push("Two will do", branch="three-pods")
    assert preview(team, iid).code == 0
    (again,) = notes(team, iid)
    assert again.splitlines()[1] == "### `prod`: no changes"
    after = team.kubectl("get", "deployment", "web", "-n", "program", "-o", "jsonpath={.metadata.generation}")
    assert after == before
    for secret in secrets(team):
        assert not leaks(secret, pipeline.masked + note + again)
    team.program.git("switch", "--quiet", "main")


def test_a_merge_request_from_a_fork_shows_its_diff_with_no_secret_at_all(team: Site) -> None:
    fork = team.runner.repository("fork/gitlab-deploy", isolated=False)
    fork.git("pull", "--quiet", str(team.program.bare), "main")
    edit(fork, replicas=3)
    fork.push("Three Pods", branch="three-pods")
    assert team.runner.project("fork/gitlab-deploy").variables.list(get_all=True) == []
    pipeline = preview(team, 77, fork)
    assert pipeline.code == 0, pipeline.masked
    assert "prod: 1 to update" in pipeline.log
    assert "~ spec.replicas: 2 -> 3" in pipeline.log
    assert COMPARED in pipeline.log
    report = json.loads((fork.clone / "tfplan.json").read_text())
    assert {key: report[key] for key in ("create", "update", "delete")} == {"create": 0, "update": 1, "delete": 0}


def test_another_projects_pipeline_builds_an_image_and_has_this_one_deploy_it(team: Site) -> None:
    blog = team.blog()
    file = blog.clone / ".gitlab-ci.yml"
    document = yaml.safe_load(file.read_text())
    document["include"] = [entry for entry in document["include"] if "/build@" in entry["component"]]
    trigger = yaml.safe_load((ROOT / "examples" / "hugo-blog" / "trigger.gitlab-ci.yml").read_text())
    file.write_text(yaml.safe_dump(document | trigger))
    commit = blog.push("The program's project deploys")
    program = team.runner.project(PROJECT)
    program.ci_pipeline_variables_minimum_override_role = "no_one_allowed"
    program.save()
    number = team.runner.pipelines + 1
    with pytest.raises(AssertionError, match="Insufficient permissions to set pipeline variables"):
        team.runner.run(blog)
    # As docs/gitlab.md says of this way to deploy.
    program.ci_pipeline_variables_minimum_override_role = "maintainer"
    program.save()
    # Its user retries the one job, with what the jobs before it have made.
    pipeline = team.runner.run(blog, "deploy")
    assert pipeline.code == 0, pipeline.masked
    version = f"{commit[:8]}-{number}"
    assert team.on_kubernetes("/version.txt").strip() == version
    assert team.on_docker("/version.txt").strip() == version
    image = team.image()
    assert image.startswith(f"{REPOSITORY}:{version}")
    assert "@sha256:" in image
    # The application's project has nothing that reaches the cluster.
    assert team.runner.project("group/blog").variables.list(get_all=True) == []
    # A later pipeline of this project, with no image, keeps it.
    assert team.runner.run(team.program, "deploy").code == 0
    assert team.image() == image


def test_the_image_can_be_committed_to_the_stack_file(team: Site) -> None:
    image = team.image()
    file = team.program.clone / DEPLOYS
    document = yaml.safe_load(file.read_text())
    (deploy,) = [include for include in document["include"] if "/deploy@" in include["component"]]
    deploy["inputs"]["commit"] = True
    file.write_text(yaml.safe_dump(document))
    # An earlier job has set the image in this clone.
    team.program.git("checkout", "--quiet", "--", "Pulumi.prod.yaml")
    team.program.push("Deploy jobs commit the stack file")
    project = team.runner.project(PROJECT)
    project.ci_push_repository_for_job_token_allowed = True
    project.save()
    # The branch goes on while the job runs; so it has when an old job is run again.
    other = team.program.again()
    (other.clone / "NEWS.md").write_text("A later commit.\n")
    later = other.push("Another commit")
    pipeline = team.runner.run(team.program, "deploy", IMAGE=image)
    assert pipeline.code == 0, pipeline.masked
    assert team.program.git("rev-parse", "main~1", cwd=team.program.bare) == later
    pushed = team.program.git("log", "-1", "--format=%s", "main", cwd=team.program.bare)
    assert pushed == f"Deploy {image} to prod [skip ci]"
    change = team.program.git("show", "--format=", "--unified=0", "main", cwd=team.program.bare).splitlines()[4:]
    assert [line.strip() for line in change if line.startswith(("+", "-"))] == [f"+  gitlab-deploy:image: {image}"]


def test_drift_is_one_issue_that_is_closed_when_the_drift_is_gone(team: Site) -> None:
    team.kubectl("delete", "poddisruptionbudget", "web", "-n", "program")
    found = team.runner.run(team.program, "drift", source="schedule")
    assert found.code != 0
    (issue,) = team.runner.project(PROJECT).issues.list(get_all=True)
    assert issue.state == "opened"
    assert "PodDisruptionBudget" in issue.description
    assert team.runner.run(team.program, "drift", source="schedule").code != 0
    assert len(team.runner.project(PROJECT).issues.list(get_all=True)) == 1
    # Nothing was repaired by it.
    names = team.kubectl("get", "poddisruptionbudget", "-n", "program", "-o", "name")
    assert names == ""
    team.pulumi("up", "--yes", "--skip-preview", "--refresh")
    gone = team.runner.run(team.program, "drift", source="schedule")
    assert gone.code == 0, gone.masked
    (issue,) = team.runner.project(PROJECT).issues.list(get_all=True)
    assert issue.state == "closed"
    for secret in secrets(team):
        assert not leaks(secret, found.masked + gone.masked + issue.description)
