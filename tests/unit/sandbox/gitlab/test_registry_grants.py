"""The container registry's token endpoint: what it grants to whom."""

import secrets
from collections.abc import Callable

import pytest
from gitlab.v4.objects import Project

from sandbox.gitlab import records
from sandbox.gitlab.auth import DEVELOPER, MAINTAINER, OWNER, REPORTER, token_digest
from sandbox.gitlab.store import Store
from sandbox.toolchain.images import Credentials
from tests.support.gitlab_double import GitLabDouble, add_project, new_token_text
from tests.support.registry_token import EVERYTHING, ask, basic, deploy_token, granted, opened

GUEST = 10
DENIED = (403, {"errors": [{"code": "DENIED", "message": "access forbidden"}], "http_status": 403})


@pytest.mark.parametrize(
    ("level", "actions"),
    [
        (0, []),
        (GUEST, []),
        (REPORTER, ["pull"]),
        (DEVELOPER, ["pull", "push"]),
        (MAINTAINER, EVERYTHING),
        (OWNER, EVERYTHING),
    ],
)
def test_a_user_may_what_the_role_may(double: GitLabDouble, project_path: str, level: int, actions: list[str]) -> None:
    user = Credentials("user", double.new_token(level, path=project_path))
    assert granted(double, user, project_path) == actions


@pytest.mark.parametrize(
    ("scopes", "actions"),
    [
        (("api",), EVERYTHING),
        (("read_api",), ["pull"]),
        (("read_registry",), ["pull"]),
        (("write_registry",), ["push"]),
        (("read_registry", "write_registry"), ["pull", "push"]),
        (("read_user", "read_registry"), ["pull"]),
    ],
)
def test_an_access_token_reaches_what_its_scopes_say(
    double: GitLabDouble, scopes: tuple[str, ...], actions: list[str]
) -> None:
    assert granted(double, Credentials("user", double.new_token(OWNER, scopes=scopes)), "group/blog") == actions


@pytest.mark.parametrize(
    ("scopes", "actions"),
    [
        (("read_registry",), ["pull"]),
        (("write_registry",), ["push"]),
        (("read_registry", "write_registry", "read_repository"), ["pull", "push"]),
    ],
)
def test_a_deploy_token_reaches_what_its_scopes_say(
    double: GitLabDouble, project: Project, scopes: tuple[str, ...], actions: list[str]
) -> None:
    assert granted(double, deploy_token(project, *scopes), project.path_with_namespace) == actions


def test_a_token_with_no_scope_for_the_registry_is_refused(double: GitLabDouble, project: Project) -> None:
    user = Credentials("user", double.new_token(OWNER, scopes=("read_user",)))
    for credentials in (user, deploy_token(project, "read_repository", "read_package_registry")):
        reply = ask(double, credentials, f"repository:{project.path_with_namespace}:pull")
        assert (reply.status, reply.json()) == DENIED


def test_a_projects_deploy_token_is_for_that_project_alone(double: GitLabDouble, project: Project) -> None:
    token = deploy_token(project, "read_registry", "write_registry")
    assert granted(double, token, "group/blog") == []
    assert granted(double, token, f"{project.path_with_namespace}/cache") == ["pull", "push"]


def test_nobody_is_granted_anything_of_a_private_project(double: GitLabDouble, project_path: str) -> None:
    for scopes in ([], [f"repository:{project_path}:pull"], ["repository:no/such:pull"]):
        reply = ask(double, None, *scopes)
        assert (reply.status, reply.json()) == DENIED


def test_everybody_may_pull_what_is_public(double: GitLabDouble, project: Project, store: Store) -> None:
    public = add_project(store, f"group/public{secrets.token_hex(4)}", visibility="public").path
    stranger = Credentials("user", double.new_token(0))
    for credentials in (None, stranger, deploy_token(project, "read_registry", "write_registry")):
        assert granted(double, credentials, public) == ["pull"]


@pytest.mark.parametrize(
    "form", [lambda scopes: scopes, lambda scopes: [" ".join(scopes)]], ids=["repeated", "with spaces"]
)
def test_of_several_scopes_each_is_granted_or_left_out(
    double: GitLabDouble, project_path: str, form: Callable[[list[str]], list[str]]
) -> None:
    user = Credentials("user", double.new_token(DEVELOPER))
    scopes = ["repository:group/blog:pull,push", f"repository:{project_path}:pull", "repository:group/blog/cache:pull"]
    _, claims = opened(ask(double, user, *form(scopes)))
    assert claims["access"] == [
        {"type": "repository", "name": "group/blog", "actions": ["pull", "push"]},
        {"type": "repository", "name": "group/blog/cache", "actions": ["pull"]},
    ]


@pytest.mark.parametrize(
    "scope",
    [
        "repository:group/other:pull",
        "repository:group:pull",
        "repository:group/blog/a/b/c:pull",
        "repository:group/blog/../blog:pull",
        "repository:group/blog:fly",
        "repository:group/blog:",
        "repository:group/blog",
        "repository",
        "registry:catalog:*",
        "repository(plugin):group/blog:pull",
    ],
)
def test_a_scope_that_names_nothing_here_is_granted_to_nobody(double: GitLabDouble, scope: str) -> None:
    _, claims = opened(ask(double, Credentials("maintainer", double.token), scope))
    assert claims["access"] == []


def test_a_repository_is_of_the_project_above_it_and_written_in_lower_case(double: GitLabDouble) -> None:
    _, claims = opened(ask(double, Credentials("maintainer", double.token), "repository:Group/Blog/a/B:pull"))
    assert claims["access"] == [{"type": "repository", "name": "group/blog/a/b", "actions": ["pull"]}]


def test_another_service_and_a_post_are_not_found(double: GitLabDouble) -> None:
    maintainer = Credentials("maintainer", double.token)
    assert (ask(double, maintainer, service="other").status, ask(double, maintainer, service="other").body) == (
        404,
        b"",
    )
    form = b"grant_type=password&service=container_registry&client_id=test"
    headers = {"Content-Type": "application/x-www-form-urlencoded"} | basic(maintainer)
    assert double.request("POST", "/jwt/auth", form, headers).status == 404
    assert ask(double, Credentials("maintainer", new_token_text()), service="other").status == 401


def test_a_job_pushes_to_its_own_project_alone_and_reads_no_other(double: GitLabDouble, store: Store) -> None:
    own, other = (add_project(store, f"group/{name}{secrets.token_hex(4)}").path for name in ("own", "other"))
    public = add_project(store, f"group/public{secrets.token_hex(4)}", visibility="public").path
    token = double.new_job_token(path=own)
    (running,) = store.find(records.JobToken, sha256=token_digest(token))
    store.add(records.Member(user_id=running.user_id, path=other, access_level=MAINTAINER))
    job = Credentials("gitlab-ci-token", token)
    assert granted(double, job, own) == ["pull", "push", "delete"]
    assert granted(double, job, f"{own}/runner") == ["pull", "push", "delete"]
    assert granted(double, job, other) == []
    assert granted(double, job, public) == ["pull"]


@pytest.mark.parametrize("level", [20, 30])
def test_a_job_may_what_the_role_of_its_user_may(double: GitLabDouble, project_path: str, level: int) -> None:
    job = Credentials("gitlab-ci-token", double.new_job_token(level, path=project_path))
    assert granted(double, job, project_path) == {20: ["pull"], 30: ["pull", "push"]}[level]


def test_a_jobs_token_and_its_user_name_go_together(double: GitLabDouble, project_path: str) -> None:
    token = double.new_job_token(path=project_path)
    for name, password in (("maintainer", token), ("gitlab-ci-token", double.token), ("gitlab-ci-token", "glcbt-x")):
        assert ask(double, Credentials(name, password), f"repository:{project_path}:pull").status == 401
