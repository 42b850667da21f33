import base64
from typing import Any

import pulumi
import pytest

from components.access.pipeline_credential import PipelineCredential, PipelineCredentialArgs
from tests.support.recorder import Recorder, deploy

TOKEN = "eyJhbGciOiJSUzI1NiJ9.payload.signature"


def credential(variable: Any = "file", kubeconfig: str = '{"a":"b,$c"}', token: str = TOKEN) -> Recorder:
    args = PipelineCredentialArgs(
        project="group/blog", environment="production", variable=variable, kubeconfig=kubeconfig, token=token
    )
    return deploy(lambda: PipelineCredential("pipeline", args))


def test_credential_as_a_file_is_stored_as_it_is() -> None:
    variable = credential().one("gitlab:index/projectVariable:ProjectVariable", "pipeline-kubeconfig").inputs
    assert variable == {
        "project": "group/blog",
        "key": "KUBECONFIG",
        "value": '{"a":"b,$c"}',
        "variableType": "file",
        "environmentScope": "production",
        "hidden": False,
        "masked": True,
        "protected": True,
        "raw": True,
        "description": "Managed by gitlab-deploy",
    }


def test_credential_as_base64_is_one_line_in_an_environment_variable() -> None:
    text = '{"a":"' + "b" * 200 + '"}'
    variable = (
        credential("base64", text).one("gitlab:index/projectVariable:ProjectVariable", "pipeline-kubeconfig").inputs
    )
    assert variable["variableType"] == "env_var"
    assert "\n" not in variable["value"]
    assert base64.b64decode(variable["value"]).decode() == text


def test_credential_bare_token_is_a_masked_and_protected_variable_too() -> None:
    variable = credential().one("gitlab:index/projectVariable:ProjectVariable", "pipeline-token").inputs
    assert variable["key"] == "KUBE_TOKEN"
    assert variable["value"] == TOKEN
    assert variable["masked"]
    assert variable["protected"]


def test_credential_for_branches_that_are_not_protected_is_masked_all_the_same() -> None:
    args = PipelineCredentialArgs(
        project="group/blog",
        environment="preview/*",
        variable="file",
        kubeconfig="{}" * 9,
        token=TOKEN,
        protected=False,
    )
    variables = [d.inputs for d in deploy(lambda: PipelineCredential("pipeline", args)).declarations if d.custom]
    assert [(v["masked"], v["protected"], v["environmentScope"]) for v in variables] == [(True, False, "preview/*")] * 2


def test_credential_values_are_marked_as_secret() -> None:
    for form in ("file", "base64"):
        variables = [d for d in credential(form).declarations if d.custom]
        assert [d.secret for d in variables] == [frozenset({"value"})] * 2


@pytest.mark.parametrize(
    ("kubeconfig", "rule"),
    [("apiVersion: v1\nkind: Config", "one line with no white space"), ("{}", "at least 8 characters")],
)
def test_credential_that_cannot_be_masked_is_refused_before_anything_is_sent(kubeconfig: str, rule: str) -> None:
    with pytest.raises(pulumi.RunError) as caught:
        credential(kubeconfig=kubeconfig)
    assert rule in str(caught.value)
    assert "KUBECONFIG of group/blog" in str(caught.value)
    assert kubeconfig not in str(caught.value)
