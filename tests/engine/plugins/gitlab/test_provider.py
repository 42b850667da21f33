"""The provider's own answers, without an engine, which fixes some of them."""

from typing import Any

import pytest
from google.protobuf.struct_pb2 import Struct, Value  # type: ignore[import-untyped]
from pulumi.provider.experimental.property_value import PropertyValue
from pulumi.runtime.proto.provider_pb2 import (
    CheckRequest,
    ConfigureRequest,
    CreateRequest,
    ReadRequest,
    UpdateRequest,
)

from sandbox.plugins.gitlab import VERSION
from sandbox.plugins.gitlab.client import PluginError
from sandbox.plugins.gitlab.provider import UNSERVED_CONFIG, GitlabProvider
from sandbox.plugins.gitlab.values import Plain, holds_secret, plain, wire, wrap
from tests.support.gitlab_double import GitLabDouble

PREFIX = "urn:pulumi:test::plugin::"
VARIABLE = f"{PREFIX}gitlab:index/projectVariable:ProjectVariable::kubeconfig"
TOKEN = f"{PREFIX}gitlab:index/projectDeployToken:ProjectDeployToken::pull"
SECRET = wrap("the-canary-value", secret=True)
INPUTS = {"project": wrap("group/blog"), "key": wrap("KUBECONFIG"), "value": SECRET}
CONTEXT: Any = None
"""Of a call, which no method needs."""


def configured(**settings: Plain) -> GitlabProvider:
    """Give a provider with these settings."""
    provider = GitlabProvider()
    args = wire({name: wrap(value) for name, value in settings.items()})
    provider.Configure(ConfigureRequest(args=args, acceptSecrets=True, acceptResources=True), CONTEXT)
    return provider


@pytest.fixture(autouse=True)
def _empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GITLAB_TOKEN", "GITLAB_BASE_URL", "GITLAB_EARLY_AUTH_CHECK"):
        monkeypatch.delenv(name, raising=False)


def secret_names(properties: Struct) -> set[str]:
    return {name for name, value in properties.fields.items() if holds_secret(value)}


def test_what_is_given_as_a_secret_stays_one_over_creation_update_and_refresh(gitlab_double: GitLabDouble) -> None:
    provider = configured(baseUrl=gitlab_double.url, token=gitlab_double.token)
    created = provider.Create(CreateRequest(urn=VARIABLE, properties=wire(INPUTS)), CONTEXT)
    assert created.id == "group/blog:KUBECONFIG:*"
    assert secret_names(created.properties) == {"value"}

    for preview in (True, False):
        request = UpdateRequest(
            urn=VARIABLE, id=created.id, olds=created.properties, news=wire(INPUTS), preview=preview
        )
        assert secret_names(provider.Update(request, CONTEXT).properties) == {"value"}

    request = ReadRequest(urn=VARIABLE, id=created.id, properties=created.properties, inputs=wire(INPUTS))
    read = provider.Read(request, CONTEXT)
    assert read.inputs == wire(INPUTS)
    assert secret_names(read.properties) == {"value"}
    imported = provider.Read(ReadRequest(urn=VARIABLE, id=created.id), CONTEXT)
    # As officially: who imports a variable has its value in clear in the state.
    assert secret_names(imported.properties) == secret_names(imported.inputs) == set()
    assert imported.inputs.fields.keys() == {"project", "key", "value", "variableType"}


def test_what_is_not_given_as_a_secret_is_none(gitlab_double: GitLabDouble) -> None:
    provider = configured(baseUrl=gitlab_double.url, token=gitlab_double.token)
    request = CreateRequest(urn=VARIABLE, properties=wire(INPUTS | {"value": wrap("open")}))
    assert secret_names(provider.Create(request, CONTEXT).properties) == set()


def test_a_deploy_tokens_value_is_secret_by_itself_and_kept_from_creation(
    gitlab_double: GitLabDouble,
) -> None:
    provider = configured(baseUrl=gitlab_double.url, token=gitlab_double.token)
    inputs = wire({"project": wrap("group/blog"), "name": wrap("pull"), "scopes": wrap(["read_registry"])})
    for preview in (True, False):
        created = provider.Create(CreateRequest(urn=TOKEN, properties=inputs, preview=preview), CONTEXT)
        assert secret_names(created.properties) == {"token"}
    read = provider.Read(ReadRequest(urn=TOKEN, id=created.id, properties=created.properties, inputs=inputs), CONTEXT)
    assert read.properties == created.properties


def test_a_name_is_made_up_once_and_kept(gitlab_double: GitLabDouble) -> None:
    provider = configured(baseUrl=gitlab_double.url, token=gitlab_double.token)
    inputs = {"project": wrap("group/blog"), "scopes": wrap(["read_registry"])}

    def check(old: Struct, new: dict[str, Value], seed: bytes) -> Struct:
        request = CheckRequest(urn=TOKEN, olds=old, news=wire(new), randomSeed=seed)
        return provider.Check(request, CONTEXT).inputs

    first = check(wire({}), inputs, b"\x01\x23\x45\x67")
    assert first.fields["name"] == wrap("pull-0123456")
    assert check(first, inputs, b"\xff\xff\xff\xff") == first
    given = inputs | {"name": wrap("by hand")}
    assert check(first, given, b"\xff") == wire(given)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"baseUrl": "http://127.0.0.1:1"}, "unable to locate config file"),
        ({"token": "glpat-canary\n"}, "invalid header field value"),
        ({"token": "glpat-canary", "cacertFile": "/no/such.pem"}, "open /no/such.pem: no such file or directory"),
        ({"token": "glpat-canary", "insecure": "perhaps"}, "insecure: a bool is required, got 'perhaps'"),
    ],
)
def test_a_wrong_setting_is_an_error_without_the_token(settings: dict[str, Plain], message: str) -> None:
    with pytest.raises(PluginError, match=message) as caught:
        configured(**settings)
    assert "canary" not in str(caught.value)


def test_settings_left_out_come_from_the_environment(
    gitlab_double: GitLabDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITLAB_BASE_URL", f"{gitlab_double.url}/api/v4/")
    monkeypatch.setenv("GITLAB_TOKEN", gitlab_double.token)
    configured()
    with pytest.raises(PluginError, match=r"401 \{message: 401 Unauthorized\}"):
        configured(token="glpat-another")


def test_the_token_is_not_tried_where_the_early_check_is_off(monkeypatch: pytest.MonkeyPatch) -> None:
    nowhere: dict[str, Plain] = {"token": "glpat-canary", "baseUrl": "http://127.0.0.1:1"}
    configured(earlyAuthCheck="false", **nowhere)
    monkeypatch.setenv("GITLAB_EARLY_AUTH_CHECK", "false")
    configured(**nowhere)
    with pytest.raises(PluginError, match="connect: connection refused"):
        configured(earlyAuthCheck="true", **nowhere)


def test_settings_of_the_official_plugin_alone_are_refused() -> None:
    inputs = wire({name: wrap("x") for name in UNSERVED_CONFIG})
    request = CheckRequest(urn=f"{PREFIX}pulumi:providers:gitlab::p", news=inputs)
    reasons = [failure.reason for failure in GitlabProvider().CheckConfig(request, CONTEXT).failures]
    assert [reason.split(" ", 1)[0] for reason in reasons] == list(UNSERVED_CONFIG)
    assert all(f"`pulumi plugin install resource gitlab v{VERSION}`" in reason for reason in reasons)


@pytest.mark.parametrize(
    "value", ["text", "", True, 1.5, None, ["a", "b"], {"key": ["a"]}], ids=lambda value: type(value).__name__
)
@pytest.mark.parametrize("secret", [False, True])
def test_a_value_is_on_the_wire_as_the_sdk_has_it(value: Plain, secret: bool) -> None:
    def of_sdk(value: Any) -> PropertyValue:
        if isinstance(value, dict):
            return PropertyValue({key: of_sdk(item) for key, item in value.items()})
        return PropertyValue([of_sdk(item) for item in value] if isinstance(value, list) else value)

    wrapped = wrap(value, secret=secret)
    assert wrapped == of_sdk(value).with_secret(secret).marshal()
    assert (plain(wrapped), holds_secret(wrapped)) == (value, secret)
