"""The example's own pipeline, from a commit to the site: publish -> build -> deploy, and a review app."""

from collections.abc import Iterator

import pytest
import yaml

from sandbox.instance import Instance
from sandbox.names import REGISTRY
from tests.support.blog import PASSPHRASE, PROGRAM, Site
from tests.support.documents import blocks
from tests.support.gitlab_job import Pipeline
from tests.support.gitlab_repository import Repository
from tests.support.project import leaks


@pytest.fixture(scope="module")
def team(instance: Instance, images: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    assert images
    made = Site(instance, tmp_path_factory.mktemp("team"), project="group/blog", namespace="blog")
    yield made
    made.close()


@pytest.fixture(scope="module")
def blog(team: Site) -> Repository:
    return team.blog()


def credentials(team: Site) -> dict[str, str]:
    """All that no log may hold, by name."""
    variables = {
        f"{variable.key} of {variable.environment_scope}": variable.value
        for variable in team.runner.project(team.project).variables.list(get_all=True)
        if variable.key != "PULUMI_BACKEND_URL"
    }
    return variables | {"passphrase": PASSPHRASE}


def leaked(team: Site, pipeline: Pipeline) -> list[str]:
    """The credentials, by name, that the stored log of a pipeline holds."""
    return [name for name, value in credentials(team).items() if leaks(value, pipeline.masked)]


def test_a_commit_that_changes_the_text_ends_with_both_targets_serving_it(team: Site, blog: Repository) -> None:
    page = blog.clone / "content" / "about.md"
    page.write_text(f"{page.read_text()}\nThe pipeline brought this sentence.\n")
    commit = blog.push("One more sentence")
    pipeline = team.runner.run(blog)
    assert pipeline.code == 0, pipeline.masked
    for answer in (team.on_kubernetes("/about/"), team.on_docker("/about/")):
        assert "The pipeline brought this sentence." in answer
    version = f"{commit[:8]}-{team.runner.pipelines}"
    assert team.on_kubernetes("/version.txt").strip() == version
    assert team.on_docker("/version.txt").strip() == version
    # By digest, and what it says it serves is what it serves.
    assert f"registry.sandbox.test/group/blog:{version}" in team.image()
    assert "@sha256:" in team.image()
    assert f"2 of 2 Pods behind Service web run {team.image()}" in pipeline.log
    assert leaked(team, pipeline) == []


def test_the_programs_merge_requests_get_the_credential_that_only_looks(team: Site) -> None:
    found = team.runner.project(PROGRAM).variables.list(get_all=True)
    assert {(variable.key, variable.environment_scope) for variable in found} == {
        ("KUBECONFIG", "preview/*"),
        ("KUBE_TOKEN", "preview/*"),
    }


def test_a_job_that_prints_its_credentials_leaves_none_in_the_log(team: Site, blog: Repository) -> None:
    job = {
        "script": ['cat "$KUBECONFIG"', "env", 'echo "$KUBE_TOKEN"'],
        "environment": {"name": "production"},
    }
    (blog.clone / ".gitlab-ci.yml").write_text(yaml.safe_dump({"curious": job}))
    blog.push("A job that looks around", branch="curious")
    pipeline = team.runner.run(blog)
    blog.git("switch", "--quiet", "main")
    assert pipeline.code == 0
    assert leaks(credentials(team)["KUBE_TOKEN of production"], pipeline.log)
    assert "[MASKED]" in pipeline.masked
    # The key of the Docker host has several lines, which GitLab cannot mask: a job has its path alone.
    assert leaked(team, pipeline) == []


def test_a_merge_request_has_a_review_app_until_it_is_stopped(team: Site, blog: Repository) -> None:
    registry = {"server": REGISTRY, "rotation": "1"}
    common = {"cluster": "sandbox", "gitlabUrl": team.instance.gitlab.url, "gitlabProject": "group/blog"}
    access = {"namespace": "review", "serviceAccount": "review", "server": team.server, "protect": False}
    access |= {"environment": "review/*", "protected": False}
    team.write("review-access", common | {"access": access, "registry": registry})
    app = {"port": 8080, "health": {"path": "/healthz"}}
    kubernetes = {"namespace": "review", "replicas": 1, "pullSecret": "gitlab-registry-review-access"}
    team.write("review", common | {"app": app, "kubernetes": kubernetes})
    team.pulumi("stack", "init", "review-access")
    team.pulumi("up", "--yes", "--skip-preview", stack="review-access")
    team.program.push("Review apps")
    # As docs/gitlab.md says.
    (include,) = [block.text for block in blocks("docs/gitlab.md") if block.section == "Review apps"]
    pipeline_file = blog.clone / ".gitlab-ci.yml"
    document = yaml.safe_load(pipeline_file.read_text())
    document["include"] += yaml.safe_load(include)["include"]
    pipeline_file.write_text(yaml.safe_dump(document))
    page = blog.clone / "content" / "about.md"
    page.write_text(f"{page.read_text()}\nA sentence under review.\n")
    blog.push("Another sentence", branch="sentence")
    project = team.runner.project("group/blog")
    request = {"source_branch": "sentence", "target_branch": "main", "title": "Another sentence"}
    iid = str(project.mergerequests.create(request).iid)
    variables = {
        "CI_MERGE_REQUEST_IID": iid,
        "CI_MERGE_REQUEST_PROJECT_PATH": "group/blog",
        "CI_MERGE_REQUEST_SOURCE_PROJECT_PATH": "group/blog",
    }
    served = team.image()
    pipeline = team.runner.run(blog, source="merge_request_event", protected=False, **variables)
    assert pipeline.code == 0, pipeline.masked
    assert "A sentence under review." in team.on_kubernetes("/about/", namespace="review", service=f"mr-{iid}")
    host = team.kubectl("get", "ingress", f"mr-{iid}", "-n", "review", "-o", "jsonpath={.spec.rules[0].host}")
    assert host == f"mr-{iid}.review.example.org"
    assert team.image() == served
    assert leaked(team, pipeline) == []
    # The merge request is open, so that the scheduled job leaves its review app alone.
    swept = team.runner.run(blog, "sweep-review", source="schedule")
    assert swept.code == 0, swept.masked
    assert f"kept     review-{iid}" in swept.log
    assert f"review-{iid}" in team.pulumi("stack", "ls").stdout
    stopped = team.runner.run(blog, "stop-review", source="merge_request_event", protected=False, **variables)
    blog.git("switch", "--quiet", "main")
    assert stopped.code == 0, stopped.masked
    gone = ("--for=delete", f"deployment/mr-{iid}", f"ingress/mr-{iid}", f"service/mr-{iid}")
    team.kubectl("wait", "-n", "review", "--timeout=300s", *gone)
    assert f"review-{iid}" not in team.pulumi("stack", "ls").stdout
    team.pulumi("destroy", "--yes", "--skip-preview", stack="review-access")
