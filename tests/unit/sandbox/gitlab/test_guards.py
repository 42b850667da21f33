"""Who is let in, what is refused first, and how paths are matched."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import gitlab
import pytest
from gitlab.v4.objects import Project

from sandbox.gitlab import records
from sandbox.gitlab.store import Store
from tests.support.gitlab_double import Api, GitLabDouble, add_project, new_token_text, refused

UNAUTHORIZED = (401, {"message": "401 Unauthorized"})
NO_PROJECT = (404, {"message": "404 Project Not Found"})
FORBIDDEN = (403, {"message": "403 Forbidden"})


def insufficient(scope: str) -> tuple[int, dict[str, str]]:
    return 403, {
        "error": "insufficient_scope",
        "error_description": "The request requires higher privileges than provided by the access token.",
        "scope": scope,
    }


@pytest.mark.parametrize("form", ["header", "bearer", "query", "oauth query"])
def test_a_token_may_come_in_header_and_query(double: GitLabDouble, maintainer: str, form: str) -> None:
    headers = {"header": {"PRIVATE-TOKEN": maintainer}, "bearer": {"Authorization": f"Bearer {maintainer}"}}
    query = {"query": f"?private_token={maintainer}", "oauth query": f"?access_token={maintainer}"}
    reply = double.request("GET", f"/api/v4/user{query.get(form, '')}", headers=headers.get(form))
    assert reply.status == 200


@pytest.mark.parametrize("name", ["private_token", "access_token"])
@pytest.mark.parametrize("content_type", ["application/json", "application/x-www-form-urlencoded"])
def test_a_token_may_come_beside_the_parameters_of_a_body(
    double: GitLabDouble, project: Project, maintainer: str, content_type: str, name: str
) -> None:
    fields = {"key": "A", "value": "1", name: maintainer}
    body = json.dumps(fields) if content_type == "application/json" else urlencode(fields)
    path = f"/api/v4/projects/{project.id}/variables"
    reply = double.request("POST", path, body.encode(), {"Content-Type": content_type})
    assert (reply.status, reply.json()["key"]) == (201, "A")
    assert maintainer not in double.log()


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"PRIVATE-TOKEN": "glpat-unknown"},
        {"Authorization": "Bearer glpat-unknown"},
        {"Authorization": "Bearer "},
        {"Authorization": "Basic Z2xwYXQ="},
        {"PRIVATE-TOKEN": ""},
    ],
)
@pytest.mark.parametrize("path", ["/user", "/version", "/metadata", "/projects/20/variables"])
def test_without_a_token_that_is_known_all_is_401(double: GitLabDouble, headers: dict[str, str], path: str) -> None:
    reply = double.request("GET", f"/api/v4{path}", headers=headers)
    assert (reply.status, reply.json()) == UNAUTHORIZED


def test_a_job_token_is_ignored(double: GitLabDouble, maintainer: str) -> None:
    for headers in ({"JOB-TOKEN": maintainer}, {"JOB-TOKEN": "glcbt-1"}, {"PRIVATE-TOKEN": "glcbt-1"}):
        reply = double.request("GET", f"/api/v4/user?job_token={maintainer}", headers=headers)
        assert (reply.status, reply.json()) == UNAUTHORIZED


@pytest.mark.parametrize(
    ("end", "description"),
    [
        ({"expires_at": "2026-01-01"}, "Token is expired. You can either do re-authorization or token refresh."),
        ({"revoked": True}, "Token was revoked. You have to re-authorize from the user."),
    ],
)
def test_a_token_past_its_life_says_so(double: GitLabDouble, end: dict[str, Any], description: str) -> None:
    client = double.client(double.new_token(**end))
    assert refused(client.auth) == (401, {"error": "invalid_token", "error_description": description})
    with pytest.raises(gitlab.GitlabAuthenticationError):
        client.auth()


def test_a_token_shows_itself_whatever_its_scopes(double: GitLabDouble) -> None:
    tomorrow = (datetime.now(UTC).date() + timedelta(1)).isoformat()
    client = double.client(double.new_token(scopes=("read_user",), expires_at=tomorrow))
    token = client.personal_access_tokens.get("self")
    assert (token.scopes, token.expires_at, token.active) == (["read_user"], tomorrow, True)
    assert refused(lambda: double.client("glpat-unknown").personal_access_tokens.get("self")) == UNAUTHORIZED
    assert double.request("GET", "/api/v4/personal_access_tokens/self").status == 401


def test_a_token_works_until_its_last_day_begins(double: GitLabDouble) -> None:
    today = datetime.now(UTC).date()
    double.client(double.new_token(expires_at=(today + timedelta(1)).isoformat())).auth()
    with pytest.raises(gitlab.GitlabAuthenticationError):
        double.client(double.new_token(expires_at=today.isoformat())).auth()


def test_a_token_revoked_while_the_server_runs_is_refused_at_once(double: GitLabDouble, store: Store) -> None:
    token = double.new_token()
    double.client(token).auth()
    (row,) = store.find(records.AccessToken, id=max(row.id for row in store.find(records.AccessToken)))
    store.remove(row)
    assert refused(double.client(token).auth) == UNAUTHORIZED


# Scopes of a token


def test_read_api_reads_and_does_not_write(double: GitLabDouble) -> None:
    variables = double.client(double.new_token(scopes=("read_api",))).projects.get("group/blog").variables
    assert variables.list(get_all=True) == []
    assert refused(lambda: variables.create({"key": "A", "value": "1"})) == insufficient("api read_api")
    assert refused(lambda: variables.update("A", {"value": "1"})) == insufficient("api read_api")
    assert refused(lambda: variables.delete("A")) == insufficient("api read_api")


def test_read_user_reads_the_user_alone(double: GitLabDouble) -> None:
    client = double.client(double.new_token(scopes=("read_user",)))
    client.auth()
    assert refused(lambda: client.projects.get("group/blog")) == insufficient("api read_api")


def test_a_scope_that_reads_no_api_is_refused_everywhere(double: GitLabDouble) -> None:
    client = double.client(double.new_token(scopes=("read_registry",)))
    assert refused(client.auth) == insufficient("read_user api read_api")


# Roles


@pytest.mark.parametrize("verb", ["GET", "POST"])
def test_a_developer_may_not_even_read_variables(api: Api, double: GitLabDouble, project_path: str, verb: str) -> None:
    developer = double.new_token(30, path=project_path)
    reply = api(verb, "/variables", b"{}", token=developer)
    assert (reply.status, reply.json()) == FORBIDDEN


@pytest.mark.parametrize("level", [40, 50])
def test_maintainers_and_owners_manage_project_variables(double: GitLabDouble, project_path: str, level: int) -> None:
    project = double.client(double.new_token(level, path=project_path)).projects.get(project_path)
    assert project.variables.create({"key": "A", "value": "1"}).key == "A"


def test_a_role_on_the_group_reaches_its_projects_and_no_other(double: GitLabDouble, store: Store) -> None:
    add_project(store, "groups-other/x")
    client = double.client(double.new_token(40, path="group"))
    assert client.projects.get("group/blog").variables.list(get_all=True) == []
    assert refused(lambda: client.projects.get("groups-other/x")) == NO_PROJECT


# Order of refusals


def test_refusals_come_in_gitlabs_order(api: Api, double: GitLabDouble, project_path: str) -> None:
    bad = b'{"masked":"maybe"}'
    outsider = double.new_token(0)
    developer = double.new_token(30, path=project_path)
    nowhere = Api(double, developer, "group/nowhere")

    def both(reply_of: Api, verb: str, path: str, token: str | None) -> tuple[int, object]:
        reply = reply_of(verb, path, bad, token=token)
        return reply.status, reply.json()

    assert both(nowhere, "PUT", "/variables/NONE", "") == UNAUTHORIZED
    assert both(nowhere, "PUT", "/variables/NONE", developer) == NO_PROJECT
    assert both(api, "PUT", "/variables/NONE", outsider) == NO_PROJECT
    assert both(api, "PUT", "/variables/NONE", developer) == FORBIDDEN
    assert both(api, "PUT", "/variables/NONE", None) == (400, {"error": "masked is invalid"})
    reply = api("PUT", "/variables/NONE", b"{}")
    assert (reply.status, reply.json()) == (404, {"message": "404 Variable Not Found"})


def test_a_public_project_is_seen_by_all_but_its_variables_are_not(double: GitLabDouble, store: Store) -> None:
    number = add_project(store, "group/open", visibility="public").id
    outsider = {"PRIVATE-TOKEN": double.new_token(0)}
    assert double.request("GET", f"/api/v4/projects/{number}").status == 200
    assert double.request("GET", f"/api/v4/projects/{number}/variables").json() == UNAUTHORIZED[1]
    assert double.request("GET", f"/api/v4/projects/{number}/variables", headers=outsider).json() == FORBIDDEN[1]


def test_a_bad_token_is_refused_even_where_none_is_needed(double: GitLabDouble, store: Store) -> None:
    number = add_project(store, "group/open2", visibility="public").id
    reply = double.request("GET", f"/api/v4/projects/{number}", headers={"PRIVATE-TOKEN": new_token_text()})
    assert (reply.status, reply.json()) == UNAUTHORIZED


# Paths


def test_a_project_is_found_by_id_and_by_path_in_any_case(double: GitLabDouble, project: Project) -> None:
    client = double.client(double.new_token(40, path="group"))
    assert client.projects.get(project.id).id == project.id
    assert client.projects.get(project.path_with_namespace.upper()).id == project.id


@pytest.mark.parametrize("path", ["group%2Fblog", "Group%2FBLOG", "group%2fblog", "%67roup%2Fbl%6Fg", "20"])
def test_an_encoded_path_is_matched_as_it_came(double: GitLabDouble, path: str) -> None:
    reply = double.request("GET", f"/api/v4/projects/{path}", headers={"PRIVATE-TOKEN": double.token})
    assert (reply.status, reply.json()["id"]) == (200, 20)


def test_a_dot_and_a_star_may_be_encoded(api: Api, project_path: str) -> None:
    assert "." in project_path
    dotted = Api(api.double, api.headers["PRIVATE-TOKEN"], project_path.replace(".", "%2E"))
    dotted("POST", "/variables", b'{"key":"A","value":"1"}')
    assert api("GET", "/variables/A?filter[environment_scope]=%2A").json()["value"] == "1"
    assert api("GET", "/variables/%41").json()["key"] == "A"


@pytest.mark.parametrize("wanted", ["blog", "-20", "0", "20.0", "99999999999999999999", "group%2Fnowhere", "%D9%A2"])
def test_a_project_that_is_not_there_is_a_404(double: GitLabDouble, wanted: str) -> None:
    reply = double.request("GET", f"/api/v4/projects/{wanted}", headers={"PRIVATE-TOKEN": double.token})
    assert (reply.status, reply.json()) == NO_PROJECT


@pytest.mark.parametrize(
    "path",
    [
        "/api/v4/nonsense",
        "/api/v4/projects/group/blog/variables",
        "/api/v4/projects/20/push_rule",
        "/api/v4/projects/20/variables/A/B",
        "/api/v3/user",
        "/user",
    ],
)
def test_a_route_that_is_not_there_is_a_404_with_error(double: GitLabDouble, path: str) -> None:
    reply = double.request("GET", path, headers={"PRIVATE-TOKEN": double.token})
    assert (reply.status, reply.json()) == (404, {"error": "404 Not Found"})


@pytest.mark.parametrize(
    ("verb", "path"), [("DELETE", "/variables"), ("PATCH", "/variables/A"), ("PUT", "/deploy_tokens/1"), ("POST", "")]
)
def test_a_verb_that_is_not_there_is_a_405_with_error(api: Api, verb: str, path: str) -> None:
    reply = api(verb, path, b"{}")
    assert (reply.status, reply.json()) == (405, {"error": "405 Not Allowed"})


def test_no_success_carries_a_rate_limit(api: Api) -> None:
    created = api("POST", "/variables", b'{"key":"A","value":"1"}')
    for reply in (created, api("GET", "/variables"), api("DELETE", "/variables/A")):
        assert reply.status < 300
        assert not [name for name in reply.headers if name.startswith("ratelimit")]


def test_a_deploy_token_does_not_open_the_api(double: GitLabDouble, project: Project) -> None:
    token = project.deploytokens.create({"name": "pull", "scopes": ["read_registry"]}).token
    assert refused(double.client(token).auth) == UNAUTHORIZED


def test_tokens_are_kept_hashed(double: GitLabDouble, maintainer: str) -> None:
    kept = Path(double.data, "gitlab.sqlite").read_bytes()
    assert maintainer.encode() not in kept
    assert double.token.encode() not in kept


def test_a_slash_at_the_end_of_a_path_changes_nothing(api: Api, project: Project) -> None:
    reply = api("POST", "/variables/", b'{"key":"A","value":"1"}')
    assert (reply.status, reply.json()["key"]) == (201, "A")
    assert [variable.key for variable in project.variables.list(get_all=True)] == ["A"]
    assert api("GET", "/").status == 200


def test_without_a_token_deploy_tokens_are_not_there(double: GitLabDouble, api: Api, store: Store) -> None:
    assert double.request("GET", f"{api.base}/deploy_tokens").json() == NO_PROJECT[1]
    assert double.request("POST", f"{api.base}/deploy_tokens", b"{}").status == 404
    number = add_project(store, "group/open-tokens", visibility="public").id
    assert double.request("GET", f"/api/v4/projects/{number}/deploy_tokens").status == 403
