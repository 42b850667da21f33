"""The plugin's tables against the SDK that programs use."""

import inspect
import typing
from collections.abc import Mapping

import pulumi_gitlab as sdk
import pytest

from sandbox.plugins.gitlab import provider
from sandbox.plugins.gitlab.provider import RESOURCES
from sandbox.plugins.gitlab.resource import Resource

CLASSES: Mapping[str, tuple[type, type]] = {
    "gitlab:index/projectVariable:ProjectVariable": (sdk.ProjectVariable, sdk.ProjectVariableArgs),
    "gitlab:index/projectDeployToken:ProjectDeployToken": (sdk.ProjectDeployToken, sdk.ProjectDeployTokenArgs),
}
KINDS = {"string": "str", "boolean": "bool", "integer": "int", "array": "Sequence"}


def parameters(arguments: type) -> dict[str, inspect.Parameter]:
    """Give the parameters of an SDK class by their camelCase names."""
    signature = inspect.signature(arguments.__init__).parameters  # type: ignore[misc]
    return {camel_case(name): found for name, found in signature.items() if name != "__self__"}


def camel_case(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)


def test_the_tokens_are_those_of_the_sdk() -> None:
    assert RESOURCES.keys() == CLASSES.keys()
    assert {getattr(resource, "pulumi_type", "") for resource, _ in CLASSES.values()} == RESOURCES.keys()


@pytest.mark.parametrize("token", CLASSES)
def test_the_inputs_are_those_of_the_sdk_of_the_same_types_and_as_required(token: str) -> None:
    expected = parameters(CLASSES[token][1])
    inputs = RESOURCES[token].inputs
    assert inputs.keys() == expected.keys()
    for name, spec in inputs.items():
        # The name may be left out of a program: the plugin makes one up before it checks.
        required = expected[name].default is inspect.Parameter.empty
        assert (spec.required and name != "name") == required, name
        assert KINDS[spec.kind] in str(expected[name].annotation), name


@pytest.mark.parametrize("token", CLASSES)
def test_the_outputs_are_those_of_the_sdk(token: str) -> None:
    resource: Resource = RESOURCES[token]
    own = {name for name, found in vars(CLASSES[token][0]).items() if isinstance(found, property)}
    assert resource.inputs.keys() | resource.outputs.keys() == {camel_case(name) for name in own}


def test_the_settings_are_those_of_the_sdk_served_or_refused() -> None:
    assert {*provider.CONFIG, *provider.UNSERVED_CONFIG} == parameters(sdk.ProviderArgs).keys()


def test_the_replacing_inputs_and_defaults_are_those_of_the_official_plugin() -> None:
    def replacing(resource: Resource) -> set[str]:
        return {name for name, spec in resource.inputs.items() if spec.replaces}

    variable, token = RESOURCES.values()
    assert replacing(variable) == {"project", "key", "environmentScope", "hidden"}
    assert replacing(token) == set(token.inputs) - {"validatePastExpirationDate"}
    assert variable.inputs["environmentScope"].default == "*"


def test_every_choice_is_named_in_the_sdks_documentation() -> None:
    for token, (_, arguments) in CLASSES.items():
        documentation = typing.cast("str", arguments.__init__.__doc__)  # type: ignore[misc]
        for name, spec in RESOURCES[token].inputs.items():
            assert all(f"`{choice}`" in documentation for choice in spec.choices), name
