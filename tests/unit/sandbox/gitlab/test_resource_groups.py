"""Resource groups, and the documented call that sets their mode."""

import shlex

import pytest
from gitlab.v4.objects import Project

from sandbox.gitlab.seed import add_resource_group
from sandbox.gitlab.store import Store
from tests.support.gitlab_double import Api, GitLabDouble, refused
from tests.support.project import ROOT


def test_the_call_in_the_documentation_lets_the_oldest_job_go_first(own_double: GitLabDouble) -> None:
    lines = (ROOT / "docs" / "gitlab.md").read_text().splitlines()
    (line,) = [line for line in lines if line.startswith("glab api ") and "resource_groups" in line]
    program, api, method_flag, method, path, field_flag, field = shlex.split(line)
    assert (program, api, method_flag, field_flag) == ("glab", "api", "--method", "--field")
    store = Store(own_double.data)
    add_resource_group(store, "prod", path="group/blog")
    store.close()
    name, _, value = field.partition("=")
    headers = {"Authorization": f"Bearer {own_double.token}", "Content-Type": "application/json"}
    reply = own_double.request(method, f"/api/v4/{path}", f'{{"{name}": "{value}"}}'.encode(), headers)
    assert reply.status == 200
    group = own_double.client().projects.get("group/blog").resource_groups.get("prod")
    assert group.process_mode == "oldest_first"


def test_a_group_that_no_job_has_used_is_not_there(project: Project) -> None:
    assert refused(lambda: project.resource_groups.get("prod")) == (404, {"message": "404 Not found"})
    assert project.resource_groups.list(get_all=True) == []


def test_only_the_modes_of_gitlab_are_taken(project: Project, store: Store, api: Api) -> None:
    add_resource_group(store, "group/of a.name", path=project.path_with_namespace)
    group = project.resource_groups.get("group/of a.name")
    assert group.process_mode == "unordered"
    reply = api("PUT", "/resource_groups/group%2Fof%20a%2Ename", b'{"process_mode": "fastest"}')
    assert (reply.status, reply.json()) == (400, {"error": "process_mode does not have a valid value"})
    group.process_mode = "newest_first"
    group.save()
    assert [found.process_mode for found in project.resource_groups.list(get_all=True)] == ["newest_first"]


@pytest.mark.parametrize("verb", ["GET", "PUT"])
def test_a_reporter_may_not(api: Api, double: GitLabDouble, project_path: str, verb: str) -> None:
    reporter = double.new_token(20, path=project_path)
    assert api(verb, "/resource_groups/prod", b"{}", token=reporter).status == 403
