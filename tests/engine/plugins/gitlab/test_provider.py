"""The provider's own answers, without an engine, which fixes some of them."""

import asyncio

import pytest
from pulumi.provider.experimental.property_value import PropertyValue
from pulumi.provider.experimental.provider import (
    CheckRequest,
    ConfigureRequest,
    CreateRequest,
    ReadRequest,
    UpdateRequest,
)

from sandbox.plugins.gitlab import VERSION
from sandbox.plugins.gitlab.client import PluginError
from sandbox.plugins.gitlab.provider import UNSERVED_CONFIG, GitlabProvider
from sandbox.plugins.gitlab.values import Plain, wrap
from tests.support.gitlab_double import GitLabDouble

PREFIX = "urn:pulumi:test::plugin::"
VARIABLE = f"{PREFIX}gitlab:index/projectVariable:ProjectVariable::kubeconfig"
TOKEN = f"{PREFIX}gitlab:index/projectDeployToken:ProjectDeployToken::pull"
SECRET = PropertyValue("the-canary-value", is_secret=True)
INPUTS = {"project": wrap("group/blog"), "key": wrap("KUBECONFIG"), "value": SECRET}


def configured(**settings: Plain) -> GitlabProvider:
    """Give a provider with these settings."""
    provider = GitlabProvider()
    args = {name: wrap(value) for name, value in settings.items()}
    asyncio.run(provider.configure(ConfigureRequest({}, args, accept_secrets=True, accept_resources=True)))
    return provider


@pytest.fixture(autouse=True)
def _empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GITLAB_TOKEN", "GITLAB_BASE_URL", "GITLAB_EARLY_AUTH_CHECK"):
        monkeypatch.delenv(name, raising=False)


def secret_names(properties: dict[str, PropertyValue]) -> set[str]:
    return {name for name, value in properties.items() if value.is_secret}


def test_what_is_given_as_a_secret_stays_one_over_creation_update_and_refresh(gitlab_double: GitLabDouble) -> None:
    provider = configured(baseUrl=gitlab_double.url, token=gitlab_double.token)
    created = asyncio.run(provider.create(CreateRequest(VARIABLE, INPUTS, 0, preview=False)))
    assert created.resource_id == "group/blog:KUBECONFIG:*"
    assert secret_names(created.properties) == {"value"}

    for preview in (True, False):
        request = UpdateRequest(VARIABLE, created.resource_id, created.properties, INPUTS, 0, [], preview=preview)
        assert secret_names(asyncio.run(provider.update(request)).properties) == {"value"}

    read = asyncio.run(provider.read(ReadRequest(VARIABLE, created.resource_id, created.properties, INPUTS)))
    assert read.inputs == INPUTS
    assert secret_names(read.properties) == {"value"}
    imported = asyncio.run(provider.read(ReadRequest(VARIABLE, created.resource_id, {}, {})))
    # As officially: who imports a variable has its value in clear in the state.
    assert secret_names(imported.properties) == secret_names(imported.inputs) == set()
    assert imported.inputs.keys() == {"project", "key", "value", "variableType"}


def test_what_is_not_given_as_a_secret_is_none(gitlab_double: GitLabDouble) -> None:
    provider = configured(baseUrl=gitlab_double.url, token=gitlab_double.token)
    request = CreateRequest(VARIABLE, INPUTS | {"value": wrap("open")}, 0, preview=False)
    assert secret_names(asyncio.run(provider.create(request)).properties) == set()


def test_a_deploy_tokens_value_is_secret_by_itself_and_kept_from_creation(
    gitlab_double: GitLabDouble,
) -> None:
    provider = configured(baseUrl=gitlab_double.url, token=gitlab_double.token)
    inputs = {"project": wrap("group/blog"), "name": wrap("pull"), "scopes": wrap(["read_registry"])}
    for preview in (True, False):
        created = asyncio.run(provider.create(CreateRequest(TOKEN, inputs, 0, preview=preview)))
        assert secret_names(created.properties) == {"token"}
    read = asyncio.run(provider.read(ReadRequest(TOKEN, created.resource_id or "", created.properties, inputs)))
    assert read.properties == created.properties


def test_a_name_is_made_up_once_and_kept(gitlab_double: GitLabDouble) -> None:
    provider = configured(baseUrl=gitlab_double.url, token=gitlab_double.token)
    inputs = {"project": wrap("group/blog"), "scopes": wrap(["read_registry"])}
    first = asyncio.run(provider.check(CheckRequest(TOKEN, {}, inputs, b"\x01\x23\x45\x67"))).inputs or {}
    assert first["name"] == wrap("pull-0123456")
    second = asyncio.run(provider.check(CheckRequest(TOKEN, first, inputs, b"\xff\xff\xff\xff"))).inputs or {}
    assert second == first
    given = inputs | {"name": wrap("by hand")}
    assert asyncio.run(provider.check(CheckRequest(TOKEN, first, given, b"\xff"))).inputs == given


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
    inputs = {name: wrap("x") for name in UNSERVED_CONFIG}
    answer = asyncio.run(
        GitlabProvider().check_config(CheckRequest(f"{PREFIX}pulumi:providers:gitlab::p", {}, inputs, b""))
    )
    reasons = [failure.reason for failure in answer.failures or []]
    assert [reason.split(" ", 1)[0] for reason in reasons] == list(UNSERVED_CONFIG)
    assert all(f"`pulumi plugin install resource gitlab v{VERSION}`" in reason for reason in reasons)
