"""The caller, the instance and a project."""

import pytest
from gitlab.v4.objects import Project

from tests.support.gitlab_double import GitLabDouble


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
