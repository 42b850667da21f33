"""Protection rules of container repositories, and what the registry's token endpoint makes of them."""

import json

import pytest

from sandbox.gitlab.auth import DEVELOPER, MAINTAINER
from sandbox.toolchain.images import Credentials
from tests.support.gitlab_double import Api, GitLabDouble
from tests.support.registry_token import granted

RULES = "/registry/protection/repository/rules"


def rule(project: str, **fields: str) -> bytes:
    return json.dumps({"repository_path_pattern": f"{project}/runner", **fields}).encode()


def test_a_rule_keeps_who_has_a_lower_role_from_pushing(double: GitLabDouble, api: Api, project_path: str) -> None:
    users = {
        role: Credentials("someone", double.new_token(role, path=project_path)) for role in (DEVELOPER, MAINTAINER)
    }
    made = api("POST", RULES, rule(project_path, minimum_access_level_for_push="maintainer"))
    assert made.status == 201
    assert made.json()["minimum_access_level_for_push"] == "maintainer"
    assert [one["id"] for one in api("GET", RULES).json()] == [made.json()["id"]]
    assert granted(double, users[DEVELOPER], f"{project_path}/runner") == ["pull"]
    assert granted(double, users[DEVELOPER], f"{project_path}/other") == ["pull", "push"]
    assert "push" in granted(double, users[MAINTAINER], f"{project_path}/runner")


@pytest.mark.parametrize(
    ("body", "status", "text"),
    [
        (
            {"minimum_access_level_for_push": "developer"},
            400,
            "minimum_access_level_for_push does not have a valid value",
        ),
        ({}, 400, "at least one parameter must be provided"),
        ({"repository_path_pattern": "another/project", "minimum_access_level_for_push": "owner"}, 422, "full path"),
    ],
)
def test_a_rule_that_gitlab_refuses_is_refused(
    api: Api, project_path: str, body: dict[str, str], status: int, text: str
) -> None:
    reply = api("POST", RULES, rule(project_path, **body))
    assert reply.status == status
    assert text in reply.body.decode()


def test_a_pattern_has_one_rule_and_a_developer_makes_none(api: Api, double: GitLabDouble, project_path: str) -> None:
    body = rule(project_path, minimum_access_level_for_push="maintainer")
    assert api("POST", RULES, body, token=double.new_token(DEVELOPER, path=project_path)).status == 403
    assert [api("POST", RULES, body).status for _ in range(2)] == [201, 422]
