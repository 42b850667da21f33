"""Deploy tokens of projects."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from gitlab.v4.objects import Project

from tests.support.gitlab_double import Api, GitLabDouble, refused

FORBIDDEN = (403, {"message": "403 Forbidden"})
NOT_FOUND = (404, {"message": "404 Not found"})


def test_a_new_token_shows_its_secret_once(project: Project) -> None:
    created = project.deploytokens.create({"name": "pull", "scopes": ["read_registry"]})
    assert created.token.startswith("gldt-")
    fetched, (listed,) = project.deploytokens.get(created.id), project.deploytokens.list(get_all=True)
    for shown in (fetched, listed):
        assert {name: text for name, text in shown.attributes.items() if name != "project_id"} == {
            "id": created.id,
            "name": "pull",
            "username": f"gitlab+deploy-token-{created.id}",
            "expires_at": None,
            "scopes": ["read_registry"],
            "revoked": False,
            "expired": False,
        }


def test_the_secret_is_last_in_gitlabs_order(api: Api) -> None:
    reply = api("POST", "/deploy_tokens", b'{"name":"pull","scopes":["read_registry"]}')
    assert reply.status == 201
    assert list(reply.json()) == ["id", "name", "username", "expires_at", "scopes", "revoked", "expired", "token"]


def test_delete_answers_204_and_the_token_is_gone(api: Api) -> None:
    number = api("POST", "/deploy_tokens", b'{"name":"pull","scopes":["read_registry"]}').json()["id"]
    reply = api("DELETE", f"/deploy_tokens/{number}")
    assert (reply.status, reply.body) == (204, b"")
    for verb in ("GET", "DELETE"):
        again = api(verb, f"/deploy_tokens/{number}")
        assert (again.status, again.json()) == NOT_FOUND


def test_an_id_that_is_no_number_is_refused(api: Api) -> None:
    reply = api("GET", "/deploy_tokens/first")
    assert (reply.status, reply.json()) == (400, {"error": "token_id is invalid"})


def test_a_token_of_another_project_is_not_found(project: Project, double: GitLabDouble) -> None:
    created = project.deploytokens.create({"name": "pull", "scopes": ["read_registry"]})
    other = double.client().projects.get("group/blog")
    assert refused(lambda: other.deploytokens.get(created.id)) == NOT_FOUND


@pytest.mark.parametrize(
    ("scopes", "kept"),
    [
        (
            ["write_registry", "read_repository", "read_registry"],
            ["read_repository", "read_registry", "write_registry"],
        ),
        ("write_registry,read_registry", ["read_registry", "write_registry"]),
        (
            ["write_virtual_registry", "read_virtual_registry", "write_package_registry", "read_package_registry"],
            ["read_package_registry", "write_package_registry", "read_virtual_registry", "write_virtual_registry"],
        ),
    ],
)
def test_scopes_come_back_in_gitlabs_order(project: Project, scopes: object, kept: list[str]) -> None:
    assert project.deploytokens.create({"name": "pull", "scopes": scopes}).scopes == kept


def test_scopes_may_be_form_fields(api: Api) -> None:
    form = b"name=pull&scopes[]=read_registry&scopes%5B%5D=read_repository"
    reply = api("POST", "/deploy_tokens", form, "application/x-www-form-urlencoded")
    assert (reply.status, reply.json()["scopes"]) == (201, ["read_repository", "read_registry"])


@pytest.mark.parametrize(
    ("given", "kept", "expired"),
    [
        ("2021-01-01", "2021-01-01T00:00:00.000Z", True),
        ("2021-01-01T00:00:00Z", "2021-01-01T00:00:00.000Z", True),
        ("2999-01-01T02:00:00+02:00", "2999-01-01T00:00:00.000Z", False),
        ("", None, False),
        (None, None, False),
    ],
)
def test_an_expiry_is_kept_in_utc(project: Project, given: object, kept: str | None, expired: bool) -> None:
    token = project.deploytokens.create({"name": "pull", "scopes": ["read_registry"], "expires_at": given})
    assert (token.expires_at, token.expired) == (kept, expired)


def test_a_token_lives_until_the_end_of_its_last_day(project: Project) -> None:
    today, yesterday = (str((datetime.now(UTC) - timedelta(days)).date()) for days in (0, 1))
    for day, expired in ((today, False), (yesterday, True)):
        given = {"name": day, "scopes": ["read_registry"], "expires_at": day}
        assert project.deploytokens.create(given).expired is expired


def test_active_lists_those_not_expired(project: Project) -> None:
    project.deploytokens.create({"name": "old", "scopes": ["read_registry"], "expires_at": "2021-01-01"})
    project.deploytokens.create({"name": "new", "scopes": ["read_registry"]})
    assert [token.name for token in project.deploytokens.list(active=True)] == ["new"]
    assert [token.name for token in project.deploytokens.list(get_all=True)] == ["old", "new"]


USERNAME = "Username can contain only letters, digits, '_', '-', '+', and '.'"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"username": "a b"}, USERNAME),
        ({"username": "a\n"}, USERNAME),
        ({"username": "a" * 256}, "Username is too long (maximum is 255 characters)"),
        ({"name": "a" * 256}, "Name is too long (maximum is 255 characters)"),
        ({"scopes": []}, "Scopes can't be blank"),
        ({"scopes": ""}, "Scopes can't be blank"),
        ({"scopes": [], "username": "a b"}, f"{USERNAME} and Scopes can't be blank"),
        (
            {"scopes": [], "username": "a b", "name": "a" * 256},
            f"{USERNAME}, Name is too long (maximum is 255 characters), and Scopes can't be blank",
        ),
    ],
)
def test_the_model_refuses_with_one_sentence(project: Project, fields: dict[str, object], message: str) -> None:
    given = {"name": "pull", "scopes": ["read_registry"]} | fields
    assert refused(lambda: project.deploytokens.create(given)) == (400, {"message": message})


def test_a_username_may_hold_these(project: Project) -> None:
    given = {"name": "pull", "scopes": ["read_registry"], "username": "aZ0.+_-"}
    assert project.deploytokens.create(given).username == "aZ0.+_-"


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({}, "name is missing, scopes is missing"),
        ({"name": "pull"}, "scopes is missing"),
        ({"name": "pull", "scopes": ["admin"]}, "scopes does not have a valid value"),
        ({"name": "pull", "scopes": "read_registry,admin"}, "scopes does not have a valid value"),
        ({"name": "pull", "scopes": {"a": 1}}, "scopes is invalid"),
        ({"name": "pull", "scopes": ["read_registry"], "expires_at": "soon"}, "expires_at is invalid"),
    ],
)
def test_the_framework_refuses_under_error(api: Api, fields: dict[str, object], error: str) -> None:
    reply = api("POST", "/deploy_tokens", json.dumps(fields).encode())
    assert (reply.status, reply.json()) == (400, {"error": error})


def test_a_project_token_needs_a_maintainer(api: Api, double: GitLabDouble, project_path: str) -> None:
    developer = double.new_token(30, path=project_path)
    for verb in ("GET", "POST"):
        reply = api(verb, "/deploy_tokens", b"{}", token=developer)
        assert (reply.status, reply.json()) == FORBIDDEN
