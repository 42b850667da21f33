"""The allowlist of a project: whose jobs may reach it (doc/api/project_job_token_scopes.md)."""

import itertools

import gitlab
import pytest
from gitlab.v4.objects import Project

from sandbox.gitlab import records
from sandbox.gitlab.auth import DEVELOPER, MAINTAINER, token_digest
from sandbox.gitlab.store import Store
from sandbox.toolchain.images import Credentials
from tests.support.gitlab_double import GitLabDouble, add_project, refused
from tests.support.registry_token import granted

NUMBERS = itertools.count()


@pytest.fixture
def source(store: Store) -> records.Project:
    """The project whose jobs want in."""
    return add_project(store, f"group/wants{next(NUMBERS)}")


def test_at_first_a_project_allows_its_own_jobs_alone(project: Project) -> None:
    scope = project.job_token_scope.get()
    assert scope.inbound_enabled is True
    assert [one.id for one in scope.allowlist.list(get_all=True)] == [project.id]


def test_a_project_is_added_once_and_taken_off_once(project: Project, source: records.Project) -> None:
    allowlist = project.job_token_scope.get().allowlist
    made = allowlist.create({"target_project_id": source.id})
    assert made.attributes["source_project_id"] == project.id
    assert made.target_project_id == source.id
    assert [one.id for one in allowlist.list(get_all=True)] == [project.id, source.id]
    again = "400 Bad request - This project is already in the job token allowlist."
    assert refused(lambda: allowlist.create({"target_project_id": source.id})) == (400, {"message": again})
    allowlist.delete(source.id)
    assert [one.id for one in allowlist.list(get_all=True)] == [project.id]
    assert refused(lambda: allowlist.delete(source.id))[0] == 404


def test_an_unknown_project_and_none_are_refused(project: Project) -> None:
    allowlist = project.job_token_scope.get().allowlist
    assert refused(lambda: allowlist.create({"target_project_id": 999999}))[0] == 404
    assert refused(lambda: project.manager.gitlab.http_post(f"{allowlist.path}", post_data={}))[0] == 400


def test_a_developer_neither_reads_nor_changes_the_list(double: GitLabDouble, project_path: str) -> None:
    developer = double.client(double.new_token(DEVELOPER, path=project_path)).projects.get(project_path)
    assert refused(developer.job_token_scope.get) == (403, {"message": "403 Forbidden"})


def test_a_job_on_the_list_reads_the_api_and_pulls_images_as_its_user_may(
    double: GitLabDouble, store: Store, project: Project, source: records.Project
) -> None:
    path = project.path_with_namespace
    token = double.new_job_token(path=source.path)
    (row,) = store.find(records.JobToken, sha256=token_digest(token))
    store.add(records.Member(user_id=row.user_id, path=path, access_level=MAINTAINER))
    project.job_token_scope.get().allowlist.create({"target_project_id": source.id})
    job = gitlab.Gitlab(double.url, job_token=token).projects.get(path, lazy=True)
    assert job.mergerequests.list(get_all=True) == []
    assert granted(double, Credentials("gitlab-ci-token", token), path) == ["pull"]
