import base64
import json
from typing import Any

import pulumi
import pytest

from components.access.registry_access import RegistryAccess, RegistryAccessArgs
from components.settings.registry import Registry
from tests.support.recorder import Recorder, deploy

TOKEN = {"gitlab:index/projectDeployToken:ProjectDeployToken": {"token": "gldt-canary", "username": "gitlab+token-1"}}


def access(namespace: str | None = None, **fields: Any) -> Recorder:
    registry = Registry(project="group/blog", server="registry.example.com", **fields)
    args = RegistryAccessArgs(registry=registry, name="gitlab-deploy-prod", namespace=namespace)

    def program() -> object:
        component = RegistryAccess("registry", args)
        return pulumi.Output.all(component.username, component.password)

    return deploy(program, TOKEN)


def test_token_may_only_read_the_registry_and_is_named_by_stack_and_rotation() -> None:
    token = access(rotation="2026-11", expires="2027-01-31").one("gitlab:index/projectDeployToken:ProjectDeployToken")
    assert token.inputs == {
        "project": "group/blog",
        "name": "gitlab-deploy-prod-2026-11-until-2027-01-31",
        "scopes": ["read_registry"],
        "expiresAt": "2027-01-31T00:00:00Z",
    }


def test_taking_the_last_day_out_gives_the_token_another_name_and_so_replaces_it() -> None:
    """The provider keeps a day that is left out, and would replace nothing by it."""
    names = {
        expires: access(expires=expires).one("gitlab:index/projectDeployToken:ProjectDeployToken").inputs["name"]
        for expires in (None, "2027-01-31", "2027-02-28")
    }
    assert names[None] == "gitlab-deploy-prod-1"
    assert len(set(names.values())) == 3


def test_pull_secret_is_what_kubelets_take_and_is_secret() -> None:
    secret = access(namespace="example", pull_secret="pull").one("kubernetes:core/v1:Secret")
    assert secret.inputs["type"] == "kubernetes.io/dockerconfigjson"
    assert secret.inputs["metadata"] == {"name": "pull", "namespace": "example"}
    config = json.loads(secret.inputs["stringData"][".dockerconfigjson"])
    auth = base64.b64decode(config["auths"]["registry.example.com"]["auth"]).decode()
    assert auth == "gitlab+token-1:gldt-canary"
    assert "stringData" in secret.secret


def test_without_a_namespace_there_is_no_pull_secret() -> None:
    assert access().types() == ["gitlab:index/projectDeployToken:ProjectDeployToken"]


@pytest.mark.parametrize("fields", [{"rotation": "A"}, {"expires": "soon"}])
def test_args_refuse_what_gitlab_would_refuse(fields: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=next(iter(fields))):
        access(**fields)


def test_login_of_its_own_is_the_pull_secret_and_makes_no_token() -> None:
    registry = Registry(server="registry.example.com", username="robot", password="canary", pull_secret="login")

    def program() -> object:
        component = RegistryAccess("registry", RegistryAccessArgs(registry=registry, name="prod", namespace="example"))
        return pulumi.Output.all(component.username, component.password)

    run = deploy(program)
    assert run.types() == ["kubernetes:core/v1:Secret"]
    secret = run.one("kubernetes:core/v1:Secret")
    auth = base64.b64encode(b"robot:canary").decode()
    assert json.loads(secret.inputs["stringData"][".dockerconfigjson"]) == {
        "auths": {"registry.example.com": {"auth": auth}}
    }
    assert secret.secret == {"stringData"}
    assert not [d for d in run.declarations if d is not secret and "canary" in str(d.inputs)]
