"""Environments of a project."""

import json
import re
from datetime import datetime
from typing import Any

import pytest
from gitlab.v4.objects import Project

from tests.support.gitlab_double import Api, GitLabDouble, refused

FORBIDDEN = (403, {"message": "403 Forbidden"})
NOT_FOUND = (404, {"message": "404 Not found"})


def test_a_new_environment_has_gitlabs_defaults(project: Project) -> None:
    shown = project.environments.create({"name": "production"}).attributes
    for name in ("created_at", "updated_at"):
        assert datetime.fromisoformat(shown.pop(name)).tzinfo is not None
    del shown["project_id"], shown["id"]
    assert shown == {
        "name": "production",
        "slug": "production",
        "description": None,
        "external_url": None,
        "state": "available",
        "tier": "production",
        "auto_stop_at": None,
        "auto_stop_setting": "always",
        "cluster_agent": None,
        "kubernetes_namespace": None,
        "flux_resource_path": None,
    }


@pytest.mark.parametrize(
    ("name", "slug", "tier"),
    [
        ("prod", "prod", "production"),
        ("elsewhere", "elsewhere", "other"),
        ("exactly-24-characters-xx", "exactly-24-characters-xx", "other"),
        ("review/1", "review-1-[0-9a-z]{6}", "development"),
        ("Staging", "staging-[0-9a-z]{6}", "staging"),
        ("QA", "qa-[0-9a-z]{6}", "testing"),
        ("1st", "env-1st-[0-9a-z]{6}", "other"),
        ("a--b", "a-b-[0-9a-z]{6}", "other"),
        ("abcdefghijklmnopqrstuvwxyz", "abcdefghijklmnopq-[0-9a-z]{6}", "other"),
        ("a-long-name-of-an-environment", "a-long-name-of-an-[0-9a-z]{6}", "other"),
    ],
)
def test_slug_and_tier_follow_the_name(project: Project, name: str, slug: str, tier: str) -> None:
    environment = project.environments.create({"name": name})
    assert environment.tier == tier
    assert re.fullmatch(slug, environment.slug)


def test_every_field_is_kept(project: Project) -> None:
    given = {
        "name": "review/x",
        "external_url": "https://x.example.org",
        "tier": "testing",
        "description": "for tests",
        "auto_stop_setting": "with_action",
    }
    created = project.environments.create(given)
    kept = project.environments.get(created.id).attributes
    assert {name: kept[name] for name in given} == given


def test_an_update_leaves_the_name_and_what_is_not_given(project: Project) -> None:
    created = project.environments.create({"name": "prod", "description": "d", "external_url": "https://a.example.org"})
    after = project.environments.update(created.id, {"name": "other", "external_url": ""})
    assert (after["name"], after["description"], after["external_url"]) == ("prod", "d", None)
    assert after["updated_at"] >= created.updated_at


def test_unsetting_the_cluster_agent_is_accepted(project: Project) -> None:
    created = project.environments.create({"name": "prod"})
    unset = {"cluster_agent_id": None, "kubernetes_namespace": None, "flux_resource_path": None}
    assert project.environments.update(created.id, unset)["cluster_agent"] is None


def test_an_environment_is_stopped_before_it_is_deleted(api: Api) -> None:
    number = api("POST", "/environments", b'{"name":"prod"}').json()["id"]
    early = api("DELETE", f"/environments/{number}")
    assert (early.status, early.json()) == FORBIDDEN
    for _ in range(2):
        stopped = api("POST", f"/environments/{number}/stop")
        assert (stopped.status, stopped.json()["state"]) == (200, "stopped")
    deleted = api("DELETE", f"/environments/{number}")
    assert (deleted.status, deleted.body) == (204, b"")
    gone = api("GET", f"/environments/{number}")
    assert (gone.status, gone.json()) == NOT_FOUND


def test_with_action_stops_only_when_forced(project: Project, api: Api) -> None:
    number = project.environments.create({"name": "prod", "auto_stop_setting": "with_action"}).id
    assert api("POST", f"/environments/{number}/stop").json()["state"] == "available"
    assert api("POST", f"/environments/{number}/stop", b'{"force":true}').json()["state"] == "stopped"


def test_the_list_can_be_narrowed(project: Project) -> None:
    for name in ("production", "review/1", "review/2"):
        project.environments.create({"name": name})
    project.environments.list(name="review/1")[0].stop()

    def names(**query: Any) -> list[str]:
        return [environment.name for environment in project.environments.list(**query)]

    assert names() == ["production", "review/1", "review/2"]
    assert names(name="review/2") == ["review/2"]
    assert names(search="review") == ["review/1", "review/2"]
    assert names(states="stopped") == ["review/1"]


@pytest.mark.parametrize(
    ("query", "body"),
    [
        ("name=a&search=abc", {"error": "name, search cannot be used together"}),
        ("search=ab", {"message": "400 Bad request - Search query is less than 3 characters"}),
        ("states=gone", {"error": "states does not have a valid value"}),
    ],
)
def test_a_list_query_that_is_not_valid_is_refused(api: Api, query: str, body: dict[str, str]) -> None:
    reply = api("GET", f"/environments?{query}")
    assert (reply.status, reply.json()) == (400, body)


CHARACTERS = (
    "can contain only letters, digits, '-', '_', '/', '$', '{', '}', '.', and spaces, "
    "but it cannot start or end with '/'"
)
NO_AGENT = "400 Bad request - cluster agent doesn't exist or cannot be associated with this environment"


@pytest.mark.parametrize(
    ("fields", "body"),
    [
        ({"name": "prod"}, {"message": {"name": ["has already been taken"]}}),
        ({"name": ""}, {"message": {"name": ["can't be blank", CHARACTERS]}}),
        ({"name": "a*"}, {"message": {"name": [CHARACTERS]}}),
        ({"name": "/a"}, {"message": {"name": [CHARACTERS]}}),
        ({"name": "a/"}, {"message": {"name": [CHARACTERS]}}),
        ({"name": "a" * 256}, {"message": {"name": ["is too long (maximum is 255 characters)"]}}),
        (
            {"external_url": "https://" + "a" * 250},
            {"message": {"external_url": ["is too long (maximum is 255 characters)"]}},
        ),
        ({"external_url": "javascript:x"}, {"message": {"external_url": ["javascript scheme is not allowed"]}}),
        ({"description": "d" * 10001}, {"message": {"description": ["is too long (maximum is 10000 characters)"]}}),
        (
            {"kubernetes_namespace": "x"},
            {"message": {"kubernetes_namespace": ["cannot be set without a cluster agent"]}},
        ),
        (
            {"flux_resource_path": "x"},
            {"message": {"flux_resource_path": ["cannot be set without a kubernetes namespace"]}},
        ),
        ({"cluster_agent_id": 1}, {"message": NO_AGENT}),
        ({"tier": "live"}, {"error": "tier does not have a valid value"}),
        ({"auto_stop_setting": "never"}, {"error": "auto_stop_setting does not have a valid value"}),
        ({"slug": "x"}, {"error": "slug is automatically generated and cannot be changed"}),
    ],
)
def test_a_field_that_is_not_valid_is_refused(api: Api, fields: dict[str, object], body: object) -> None:
    number = api("POST", "/environments", b'{"name":"prod"}').json()["id"]
    created = api("POST", "/environments", json.dumps({"name": "new"} | fields).encode())
    assert (created.status, created.json()) == (400, body)
    if "name" not in fields:
        updated = api("PUT", f"/environments/{number}", json.dumps(fields).encode())
        assert (updated.status, updated.json()) == (400, body)


def test_a_name_is_needed(api: Api) -> None:
    reply = api("POST", "/environments", b"{}")
    assert (reply.status, reply.json()) == (400, {"error": "name is missing"})


def test_developers_change_environments_and_reporters_read_them(double: GitLabDouble, project_path: str) -> None:
    developer = double.client(double.new_token(30, path=project_path)).projects.get(project_path)
    reporter = double.client(double.new_token(20, path=project_path)).projects.get(project_path)
    created = developer.environments.create({"name": "prod"})
    assert reporter.environments.get(created.id).name == "prod"
    assert refused(lambda: reporter.environments.create({"name": "x"})) == FORBIDDEN
    assert refused(lambda: reporter.environments.update(created.id, {"tier": "other"})) == FORBIDDEN
    assert refused(lambda: reporter.environments.get(created.id).stop()) == FORBIDDEN
