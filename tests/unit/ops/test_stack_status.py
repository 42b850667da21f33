import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ops.stack_status import Credential, StackStatus

DEPLOYMENT: dict[str, Any] = {
    "image": "registry.example.com/group/blog:1.0.0",
    "commit": "0123456789abcdef",
    "pipeline": {"project": 20.0, "iid": 812.0, "url": "https://gitlab.example.com/group/blog/-/pipelines/812"},
    "rolledBack": False,
}
OUTPUTS: dict[str, Any] = {
    "deployment": DEPLOYMENT,
    "cluster": {"name": "production", "server": "https://k8s", "uid": "1", "namespaceUid": "2"},
    "app": {"namespace": "blog", "service": "web", "image": "registry.example.com/group/blog:1.0.0"},
    "dockerHost": {"address": "ssh://deploy@docker.example.com", "host": "blog.example.net"},
    "addresses": {
        "kubernetes": ["https://blog.example.org/"],
        "dockerHost": ["https://blog.example.org/", "https://blog.example.net/"],
    },
}


def exported(outputs: dict[str, Any], *resources: dict[str, Any], **deployment: Any) -> str:
    stack = {"type": "pulumi:pulumi:Stack", "urn": "urn", "outputs": outputs}
    manifest = {"time": "2026-11-26T08:00:00.5Z"}
    return json.dumps({"deployment": {"manifest": manifest, "resources": [stack, *resources], **deployment}})


def test_state_says_what_was_deployed_by_whom_and_where() -> None:
    status = StackStatus.read("prod", exported(OUTPUTS))
    assert status.image == "registry.example.com/group/blog:1.0.0"
    assert status.deployed_by == ("pipeline 812 https://gitlab.example.com/group/blog/-/pipelines/812, commit 01234567")
    assert status.places == [
        "cluster production, namespace blog",
        "ssh://deploy@docker.example.com",
    ]
    assert status.addresses == ["https://blog.example.org/", "https://blog.example.net/"]
    assert status.last_run == datetime(2026, 11, 26, 8, 0, 0, 500_000, tzinfo=UTC)


def test_a_developer_and_a_rollback_are_named() -> None:
    deployment = DEPLOYMENT | {"pipeline": None, "commit": None, "rolledBack": True}
    status = StackStatus.read("prod", exported({"deployment": deployment}))
    assert status.deployed_by == "a developer, rolled back"


def test_credentials_have_their_age_and_their_last_day() -> None:
    token = {
        "type": "gitlab:index/projectDeployToken:ProjectDeployToken",
        "created": "2026-11-01T08:00:00Z",
        "outputs": {"name": "gitlab-deploy-prod-1", "expiresAt": "2027-01-31T00:00:00.000Z"},
    }
    account = {
        "type": "kubernetes:core/v1:Secret",
        "outputs": {
            "type": "kubernetes.io/service-account-token",
            "metadata": {"namespace": "blog", "name": "robot-token-1", "creationTimestamp": "2026-11-02T08:00:00Z"},
        },
    }
    pull = {"type": "kubernetes:core/v1:Secret", "outputs": {"type": "kubernetes.io/dockerconfigjson"}}
    assert StackStatus.read("prod", exported({}, token, account, pull)).credentials == (
        Credential(
            name="GitLab deploy token gitlab-deploy-prod-1",
            made=datetime(2026, 11, 1, 8, tzinfo=UTC),
            expires=datetime(2027, 1, 31, tzinfo=UTC),
        ),
        Credential(name="ServiceAccount token blog/robot-token-1", made=datetime(2026, 11, 2, 8, tzinfo=UTC)),
    )


@pytest.mark.parametrize(("life", "days"), [(365, 30), (90, 30), (47, 47 / 3), (6, 2), (None, 30)])
def test_the_last_third_is_when_a_credential_is_due_and_30_days_at_most(life: int | None, days: float) -> None:
    expires = datetime(2027, 1, 31, tzinfo=UTC)
    credential = Credential(name="x", made=expires - timedelta(life) if life else None, expires=expires)
    assert credential.due == expires - timedelta(days)


def test_a_credential_without_an_end_is_never_due() -> None:
    assert Credential(name="x", made=datetime(2026, 11, 1, tzinfo=UTC)).due is None


@pytest.mark.parametrize("deployment", [None, {}, {"manifest": {"time": "0001-01-01T00:00:00Z"}, "resources": []}])
def test_a_stack_that_has_never_run_has_nothing(deployment: object) -> None:
    status = StackStatus.read("prod", json.dumps({"version": 3, "deployment": deployment}))
    assert (status.image, status.deployed_by, status.places, status.last_run) == (None, None, [], None)


def test_what_a_killed_run_left_is_counted() -> None:
    assert StackStatus.read("prod", exported({}, pending_operations=[{}, {}])).interrupted == 2


def test_secrets_of_the_state_stay_out_of_the_json() -> None:
    secret = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "ciphertext": "v1:canary"}
    status = StackStatus.read("prod", exported(OUTPUTS | {"deploymentHistory": secret}))
    assert "canary" not in json.dumps(status.json())
