"""Checks and differences, without an engine."""

import pytest
from pulumi.provider.experimental.provider import PropertyDiffKind
from pulumi.runtime.rpc import UNKNOWN

from sandbox.plugins.gitlab.project_deploy_token import ProjectDeployToken
from sandbox.plugins.gitlab.project_environment import ProjectEnvironment
from sandbox.plugins.gitlab.project_variable import ProjectVariable
from sandbox.plugins.gitlab.resource import Resource
from sandbox.plugins.gitlab.values import Plain, State

VARIABLE: State = {"project": "group/blog", "key": "KUBECONFIG", "value": "12345678"}
TOKEN: State = {"project": "group/blog", "name": "pull", "scopes": ["read_registry"]}
ENVIRONMENT: State = {"project": "group/blog", "name": "production"}


def failures(resource: Resource, inputs: State) -> list[str]:
    return [failure.reason for failure in resource.check(inputs)]


@pytest.mark.parametrize("inputs", [{}, {"hidden": True, "masked": True}, {"hidden": False, "masked": False}])
def test_good_variables_pass(inputs: State) -> None:
    assert failures(ProjectVariable(), VARIABLE | inputs) == []


@pytest.mark.parametrize("key", ["", "KUBE-CONFIG", "KUBE CONFIG", "KUBECONFIG\n", "é", "K" * 256])
def test_a_key_gitlab_would_refuse_is_refused_with_the_rule(key: str) -> None:
    (reason,) = failures(ProjectVariable(), VARIABLE | {"key": key})
    assert reason == f"key must be 1 to 255 of A-Z, a-z, 0-9 and _, not {key!r}"


@pytest.mark.parametrize("inputs", [{"hidden": True}, {"hidden": True, "masked": False}, {"hidden": False}])
def test_hidden_needs_masked(inputs: State) -> None:
    assert failures(ProjectVariable(), VARIABLE | inputs) == [
        "hidden needs masked as well, and true where hidden is true"
    ]


@pytest.mark.parametrize(
    ("resource", "inputs", "reason"),
    [
        (ProjectVariable(), {**VARIABLE, "masked": "yes"}, "masked must be a boolean"),
        (ProjectVariable(), {**VARIABLE, "variableType": "dir"}, "variableType must be of env_var, file, not dir"),
        (ProjectVariable(), {"project": "group/blog", "key": "A"}, "value is required"),
        (ProjectVariable(), {**VARIABLE, "scope": "*"}, "scope is not an input; the inputs are project, key, value,"),
        (ProjectDeployToken(), {**TOKEN, "scopes": []}, "scopes must name at least one of read_repository,"),
        (ProjectDeployToken(), {**TOKEN, "scopes": ["api"]}, "scopes must be of read_repository,"),
        (ProjectDeployToken(), {**TOKEN, "expiresAt": "2030-01-01"}, "expiresAt must be in RFC 3339 form,"),
        (
            ProjectDeployToken(),
            {**TOKEN, "expiresAt": "2020-01-01T00:00:00Z", "validatePastExpirationDate": True},
            "expiresAt must be in the future, not 2020-01-01T00:00:00Z",
        ),
        (ProjectEnvironment(), {**ENVIRONMENT, "name": ""}, "name must not be empty"),
        (ProjectEnvironment(), {**ENVIRONMENT, "externalUrl": "https://a b"}, "externalUrl must not be empty or hold"),
        (
            ProjectEnvironment(),
            {**ENVIRONMENT, "fluxResourcePath": "a"},
            "fluxResourcePath needs clusterAgentId and kubernetesNamespace as well",
        ),
    ],
)
def test_a_wrong_input_is_told_with_the_rule(resource: Resource, inputs: State, reason: str) -> None:
    (found,) = failures(resource, inputs)
    assert found.startswith(reason)


@pytest.mark.parametrize(
    ("resource", "inputs"),
    [(ProjectVariable(), VARIABLE), (ProjectDeployToken(), TOKEN), (ProjectEnvironment(), ENVIRONMENT)],
)
def test_values_not_known_yet_pass_every_check(resource: Resource, inputs: State) -> None:
    assert failures(resource, dict.fromkeys(resource.inputs, UNKNOWN)) == []
    assert failures(resource, inputs) == []


@pytest.mark.parametrize(
    ("name", "old", "new", "kind"),
    [
        ("value", "12345678", "87654321", PropertyDiffKind.UPDATE),
        ("value", "12345678", UNKNOWN, PropertyDiffKind.UPDATE),
        ("environmentScope", "production", None, PropertyDiffKind.UPDATE_REPLACE),
        ("hidden", False, True, PropertyDiffKind.UPDATE_REPLACE),
        ("masked", None, True, PropertyDiffKind.ADD),
    ],
)
def test_a_difference_is_told_with_its_kind(name: str, old: Plain, new: Plain, kind: PropertyDiffKind) -> None:
    state: State = {**VARIABLE, "environmentScope": "*", name: old}
    inputs: State = {key: value for key, value in {**VARIABLE, name: new}.items() if value is not None}
    found = ProjectVariable().diff(state, inputs, [])
    assert found.changes
    assert {key: difference.kind for key, difference in found.detailed_diff.items()} == {name: kind}
    assert found.replaces == ([name] if kind is PropertyDiffKind.UPDATE_REPLACE else [])
    assert not found.delete_before_replace
    assert not ProjectVariable().diff(state, inputs, [name]).changes


@pytest.mark.parametrize(
    ("resource", "state", "inputs"),
    [
        # As officially, an input left out is what GitLab has.
        (ProjectVariable(), {**VARIABLE, "environmentScope": "*", "masked": True, "description": "by hand"}, VARIABLE),
        (
            ProjectDeployToken(),
            {**TOKEN, "scopes": ["b", "a"], "validatePastExpirationDate": False},
            {**TOKEN, "scopes": ["a", "b"]},
        ),
        (ProjectEnvironment(), {**ENVIRONMENT, "tier": "other", "stopBeforeDestroy": False}, ENVIRONMENT),
    ],
)
def test_what_is_no_difference_is_not_told_as_one(resource: Resource, state: State, inputs: State) -> None:
    assert not resource.diff(state, inputs, []).changes


def test_a_cluster_agent_left_out_is_taken_away() -> None:
    state: State = {**ENVIRONMENT, "clusterAgentId": 5.0, "stopBeforeDestroy": False}
    found = ProjectEnvironment().diff(state, ENVIRONMENT, [])
    assert found.detailed_diff["clusterAgentId"].kind is PropertyDiffKind.DELETE
