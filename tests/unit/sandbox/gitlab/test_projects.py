"""The caller, the instance and a project."""

import os
from pathlib import Path
from urllib.parse import quote

import pytest
from gitlab.v4.objects import Project

from sandbox.gitlab.auth import DEVELOPER
from tests.support import glab
from tests.support.documents import Terminal, blocks
from tests.support.gitlab_double import Api, GitLabDouble, refused
from tests.support.programs import program


def test_the_seeded_user_is_known(double: GitLabDouble) -> None:
    client = double.client()
    client.auth()
    assert client.user is not None
    assert client.user.attributes == {
        "id": 1,
        "username": "maintainer",
        "name": "Maintainer",
        "state": "active",
        "web_url": f"{double.url}/maintainer",
        "email": "maintainer@example.com",
        "is_admin": False,
        "bot": False,
    }


def test_the_user_of_a_project_token_is_a_bot(double: GitLabDouble, maintainer: str) -> None:
    client = double.client(maintainer)
    client.auth()
    assert client.user is not None
    assert client.user.bot is True


@pytest.mark.parametrize("path", ["/version", "/metadata"])
def test_version_and_metadata_say_the_same(double: GitLabDouble, path: str) -> None:
    reply = double.request("GET", f"/api/v4{path}", headers={"PRIVATE-TOKEN": double.token})
    assert reply.status == 200
    assert list(reply.json()) == ["version", "revision", "kas", "enterprise"]
    assert double.client().version() == (reply.json()["version"], reply.json()["revision"])


def test_a_project_has_what_its_readers_dereference(double: GitLabDouble) -> None:
    project = double.client().projects.get("group/blog")
    assert project.id == 20
    assert (project.path_with_namespace, project.default_branch) == ("group/blog", "main")
    assert project.web_url == f"{double.url}/group/blog"
    assert project.container_registry_image_prefix == "registry.example.com/group/blog"
    assert project.namespace["full_path"] == "group"
    assert project.namespace["kind"] == "group"


def test_a_project_says_what_is_switched_on_as_clients_ask_before_they_write(project: Project) -> None:
    assert project.name_with_namespace == "group / app"
    assert (project.issues_enabled, project.merge_requests_enabled, project.jobs_enabled) == (True, True, True)
    assert project.open_issues_count == 0
    project.issues.create({"title": "t"})
    project.refresh()
    assert project.open_issues_count == 1


def test_the_call_in_the_documentation_has_the_jobs_defined_in_another_project(
    double: GitLabDouble, project: Project, maintainer: str, tmp_path: Path
) -> None:
    program(tmp_path, "glab", glab.SCRIPT)
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "GITLAB_HOST": double.url, "GITLAB_TOKEN": maintainer}
    terminal = Terminal(folder=tmp_path, environment=environment, kept=tmp_path / "kept")
    (block,) = [block for block in blocks("docs/gitlab.md") if block.section == "Stricter still"]
    terminal.play(block, {"group%2Fgitlab-deploy": quote(project.path_with_namespace, safe="")})
    project.refresh()
    assert project.ci_config_path == ".gitlab-ci.yml@group/pipelines"


def test_a_maintainer_and_nobody_below_sets_what_a_job_may_do(double: GitLabDouble, project: Project) -> None:
    changes = {
        "ci_pipeline_variables_minimum_override_role": "no_one_allowed",
        "restrict_user_defined_variables": True,
        "ci_allow_fork_pipelines_to_run_in_parent_project": False,
        "ci_push_repository_for_job_token_allowed": True,
    }
    assert {name: getattr(project, name) for name in changes} == {
        "ci_pipeline_variables_minimum_override_role": "developer",
        "restrict_user_defined_variables": False,
        "ci_allow_fork_pipelines_to_run_in_parent_project": True,
        "ci_push_repository_for_job_token_allowed": False,
    }
    for name, value in changes.items():
        setattr(project, name, value)
    project.save()
    project.refresh()
    assert {name: getattr(project, name) for name in changes} == changes
    developer = double.client(double.new_token(DEVELOPER, path=project.path_with_namespace)).projects.get(project.id)
    assert not set(changes) & set(developer.attributes)
    developer.restrict_user_defined_variables = False
    assert refused(developer.save) == (403, {"message": "403 Forbidden"})


@pytest.mark.parametrize("body", [b"{}", b'{"ci_pipeline_variables_minimum_override_role": "guest"}'])
def test_a_project_is_not_changed_by_nothing_or_an_unknown_role(api: Api, body: bytes) -> None:
    assert api("PUT", "", body).status == 400
