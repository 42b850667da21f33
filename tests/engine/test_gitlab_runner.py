"""The runner of the tests does with a pipeline what GitLab and its runner do, here with GitLab alone and no sandbox."""

from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import gitlab
import pytest
import yaml

from sandbox.instance import Instance
from tests.support.ci_templates import RefusedError
from tests.support.gitlab_double import GitLabDouble
from tests.support.gitlab_repository import Repository
from tests.support.gitlab_runner import Runner

COMPONENT = """\
spec:
  inputs:
    text:
      regex: '^[\\w ${}#]*$'
---
build:
  script:
    - echo $[[ inputs.text ]]
    - echo "IMAGE=registry.example.com/group/app:$CI_COMMIT_SHORT_SHA" >image.env
  artifacts:
    reports:
      dotenv: image.env
"""
CLONE = """\
git -c credential.helper='!f() { echo username=gitlab-ci-token; echo "password=$CI_JOB_TOKEN"; }; f' \\
  clone --quiet -- "$CI_SERVER_URL/group/program.git" program"""


@dataclass(frozen=True, kw_only=True)
class Two:
    """An application's project, and that of the program which deploys it."""

    runner: Runner
    app: Repository
    program: Repository


@pytest.fixture
def two(tmp_path: Path, gitlab_double: GitLabDouble, engine: dict[str, str]) -> Two:
    token = tmp_path / "token"
    token.write_text(gitlab_double.token)
    host = SimpleNamespace(url=gitlab_double.url, data=gitlab_double.data, token=token, registry="127.0.0.1:1")
    instance = cast("Instance", SimpleNamespace(gitlab=host, environment=lambda: engine))
    runner = Runner(instance, tmp_path / "runner")
    app, program = (runner.repository(path, isolated=True) for path in ("group/app", "group/program"))
    (program.clone / "README.md").write_text("The program.\n")
    (program.clone / "templates").mkdir()
    (program.clone / "templates" / "one.yml").write_text(COMPONENT)
    write(program, {"deploy": {"script": ['echo "deploys $IMAGE for $CI_PIPELINE_SOURCE"']}})
    program.push("The program")
    return Two(runner=runner, app=app, program=program)


def write(target: Repository, document: dict[str, object]) -> None:
    (target.clone / ".gitlab-ci.yml").write_text(yaml.safe_dump(document))


def include(**inputs: object) -> list[dict[str, object]]:
    return [{"component": "$CI_SERVER_FQDN/group/program/one@main", "inputs": inputs}]


def test_a_components_input_is_text_of_the_file_before_it_is_yaml(two: Two) -> None:
    write(two.app, {"include": include(text="seen # not seen")})
    two.app.push("A component")
    done = two.runner.run(two.app)
    assert done.code == 0, done.log
    assert "> seen\n" in done.log
    assert "not seen" not in done.log


def test_a_pipeline_with_an_input_that_the_component_refuses_is_not_created(two: Two) -> None:
    write(two.app, {"include": include(text="; curl")})
    two.app.push("A hostile input")
    with pytest.raises(RefusedError, match="text: provided value does not match required RegEx pattern"):
        two.runner.run(two.app)


def test_a_job_clones_another_project_only_if_its_allowlist_says_so(two: Two) -> None:
    write(two.app, {"deploy": {"script": [CLONE, "cat program/README.md"]}})
    two.app.push("A job that clones the program")
    refused = two.runner.run(two.app)
    assert refused.code != 0
    assert "remote: Authentication by CI/CD job token not allowed from app to program." in refused.log
    app, program = (two.runner.project(path) for path in (two.app.path, two.program.path))
    program.job_token_scope.get().allowlist.create({"target_project_id": app.id})
    done = two.runner.run(two.app)
    assert done.code == 0, done.log
    assert "> The program." in done.log


def test_a_job_that_triggers_runs_the_other_pipeline_with_what_it_passes_on(two: Two) -> None:
    trigger = {"project": two.program.path, "branch": "main", "strategy": "depend"}
    deploy = {"needs": ["build"], "variables": {"IMAGE": "$IMAGE"}, "trigger": trigger}
    write(two.app, {"include": include(text="built"), "deploy": deploy})
    commit = two.app.push("An image")
    done = two.runner.run(two.app)
    assert done.code == 0, done.log
    assert f"> deploys registry.example.com/group/app:{commit[:8]} for pipeline\n" in done.log
    # With `strategy: depend` it is as green as what it has triggered.
    write(two.program, {"deploy": {"script": ["false"]}})
    two.program.push("A program that fails")
    assert two.runner.run(two.app).code != 0


def test_a_trigger_fails_if_the_other_project_has_no_job_for_it(two: Two) -> None:
    trigger = {"project": two.program.path, "branch": "main", "strategy": "depend"}
    write(two.app, {"deploy": {"variables": {"IMAGE": "one"}, "trigger": trigger}})
    two.app.push("An image")
    write(two.program, {"preview": {"script": ["true"], "rules": [{"if": '$CI_PIPELINE_SOURCE == "push"'}]}})
    two.program.push("A program that previews alone")
    with pytest.raises(AssertionError, match="prevented any jobs from being added"):
        two.runner.run(two.app)


def test_a_pipeline_runs_for_a_commit_that_was_pushed(two: Two) -> None:
    write(two.app, {"job": {"script": ["true"]}})
    two.app.git("add", "--all")
    two.app.git("commit", "--quiet", "--message", "Not pushed")
    with pytest.raises(AssertionError, match="the commit was not pushed"):
        two.runner.run(two.app)


def test_a_jobs_token_is_masked_and_ends_with_the_job(two: Two, gitlab_double: GitLabDouble) -> None:
    write(two.app, {"job": {"script": ["printenv CI_JOB_TOKEN"]}})
    two.app.push("A job that prints its token")
    done = two.runner.run(two.app)
    (token,) = (line.partition("> ")[2] for line in done.log.splitlines() if "> glcbt-" in line)
    assert token not in done.masked
    job = gitlab.Gitlab(gitlab_double.url, job_token=token).projects.get(two.app.path, lazy=True)
    with pytest.raises(gitlab.GitlabAuthenticationError):
        job.mergerequests.list(get_all=True)


def test_a_project_that_tests_before_have_used_is_new_again(two: Two, tmp_path: Path) -> None:
    app, program = (two.runner.project(path) for path in (two.app.path, two.program.path))
    program.job_token_scope.get().allowlist.create({"target_project_id": app.id})
    program.ci_push_repository_for_job_token_allowed = True
    program.save()
    again = Runner(two.runner.instance, tmp_path / "another").repository(two.program.path, isolated=True)
    (again.clone / "README.md").write_text("Another history.\n")
    again.push("Another history")
    assert again.show("main", "README.md") == "Another history."
    program.refresh()
    assert program.ci_push_repository_for_job_token_allowed is False
    assert [one.id for one in program.job_token_scope.get().allowlist.list(get_all=True)] == [program.id]
