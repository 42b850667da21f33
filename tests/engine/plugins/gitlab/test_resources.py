"""Checks and differences, without an engine."""

import pytest
from pulumi.runtime import rpc

from sandbox.plugins.gitlab.project_deploy_token import ProjectDeployToken
from sandbox.plugins.gitlab.project_variable import ProjectVariable
from sandbox.plugins.gitlab.resource import Difference, Resource
from sandbox.plugins.gitlab.values import SECRET, SIGNATURE, UNKNOWN, Plain, State

VARIABLE: State = {"project": "group/blog", "key": "KUBECONFIG", "value": "12345678"}
TOKEN: State = {"project": "group/blog", "name": "pull", "scopes": ["read_registry"]}


def test_the_words_of_the_protocol_are_those_of_the_sdk() -> None:
    assert (rpc.UNKNOWN, rpc._special_sig_key, rpc._special_secret_sig) == (UNKNOWN, SIGNATURE, SECRET)


@pytest.mark.parametrize("inputs", [{}, {"hidden": True, "masked": True}, {"hidden": False, "masked": False}])
def test_good_variables_pass(inputs: State) -> None:
    assert ProjectVariable().check(VARIABLE | inputs) == []


@pytest.mark.parametrize("key", ["", "KUBE-CONFIG", "KUBE CONFIG", "KUBECONFIG\n", "é", "K" * 256])
def test_a_key_gitlab_would_refuse_is_refused_with_the_rule(key: str) -> None:
    (reason,) = ProjectVariable().check(VARIABLE | {"key": key})
    assert reason == f"key must be 1 to 255 of A-Z, a-z, 0-9 and _, not {key!r}"


@pytest.mark.parametrize("inputs", [{"hidden": True}, {"hidden": True, "masked": False}, {"hidden": False}])
def test_hidden_needs_masked(inputs: State) -> None:
    assert ProjectVariable().check(VARIABLE | inputs) == ["hidden needs masked as well, and true where hidden is true"]


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
    ],
)
def test_a_wrong_input_is_told_with_the_rule(resource: Resource, inputs: State, reason: str) -> None:
    (found,) = resource.check(inputs)
    assert found.startswith(reason)


@pytest.mark.parametrize(
    ("resource", "inputs"),
    [(ProjectVariable(), VARIABLE), (ProjectDeployToken(), TOKEN)],
)
def test_values_not_known_yet_pass_every_check(resource: Resource, inputs: State) -> None:
    assert resource.check(dict.fromkeys(resource.inputs, UNKNOWN)) == []
    assert resource.check(inputs) == []


SET: State = {"description": "", "hidden": False, "masked": True, "protected": True, "raw": True}


@pytest.mark.parametrize(
    ("name", "new", "replaces"),
    [
        ("value", "87654321", []),
        ("value", UNKNOWN, []),
        ("environmentScope", "production", ["environmentScope"]),
        ("hidden", True, ["hidden"]),
        ("masked", False, []),
    ],
)
def test_a_difference_names_the_input_and_whether_it_replaces(name: str, new: Plain, replaces: list[str]) -> None:
    inputs: State = {**VARIABLE, **SET, "variableType": "file"}
    state: State = {**inputs, "environmentScope": "*"}
    found = ProjectVariable().diff(state, inputs | {name: new}, [])
    assert found == Difference(diffs=[name], replaces=replaces)
    assert ProjectVariable().diff(state, inputs | {name: new}, [name]) == Difference()


@pytest.mark.parametrize(
    ("resource", "state", "inputs"),
    [
        # As officially, an input left out is what GitLab has.
        (ProjectVariable(), {**VARIABLE, "environmentScope": "*", "masked": True, "description": "by hand"}, VARIABLE),
        (
            ProjectDeployToken(),
            {**TOKEN, "scopes": ["b", "a"], "validatePastExpirationDate": False, "expiresAt": "2030-01-01T00:00:00Z"},
            {**TOKEN, "scopes": ["a", "b"]},
        ),
    ],
)
def test_what_gitlab_has_for_an_input_left_out_is_no_difference(
    resource: Resource, state: State, inputs: State
) -> None:
    assert resource.diff(state, inputs, []) == Difference()


def test_once_something_differs_what_the_program_does_not_set_is_not_known() -> None:
    state: State = {**VARIABLE, **SET, "environmentScope": "*", "variableType": "file"}
    inputs: State = {**VARIABLE, **SET, "variableType": "file", "value": "another-value"}
    del inputs["hidden"]
    found = ProjectVariable().diff(state, inputs, [])
    assert (found.diffs, found.replaces) == (["hidden", "value"], [])
    token = ProjectDeployToken().diff({**TOKEN, "expiresAt": "2030-01-01T00:00:00Z"}, {**TOKEN, "name": "new"}, [])
    assert token.diffs == ["expired", "expiresAt", "name", "revoked", "token", "username", "validatePastExpirationDate"]
    assert token.replaces == ["expiresAt", "name", "username"]
