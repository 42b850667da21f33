from typing import Any

from ops.adopt.variables import Variable, add

COMPONENT = "urn:pulumi:prod::gitlab-deploy::gitlab-deploy:index:PipelineCredential::pipeline"
PROVIDER = "urn:pulumi:prod::gitlab-deploy::pulumi:providers:gitlab::gitlab"
STATE: dict[str, Any] = {
    "version": 3,
    "deployment": {
        "resources": [
            {"urn": PROVIDER, "type": "pulumi:providers:gitlab", "id": "1-2-3"},
            {"urn": COMPONENT, "type": "gitlab-deploy:index:PipelineCredential"},
        ]
    },
}


def test_variable_is_added_below_its_component_and_without_its_value() -> None:
    variable = Variable(component="pipeline", project="group/blog", key="KUBE_TOKEN", scope="*")
    described = {"masked": True, "protected": False, "raw": True, "variable_type": "env_var", "value": "canary"}
    added = add(STATE, {variable: described})["deployment"]["resources"][-1]
    kind = "gitlab:index/projectVariable:ProjectVariable"
    assert added["urn"] == f"{COMPONENT.removesuffix('::pipeline')}${kind}::pipeline-token"
    assert added["parent"] == COMPONENT
    assert added["provider"] == f"{PROVIDER}::1-2-3"
    assert added["id"] == "group/blog:KUBE_TOKEN:*"
    for side in ("inputs", "outputs"):
        assert added[side]["value"]["plaintext"] == '""'
        assert (added[side]["masked"], added[side]["hidden"]) == (True, False)
    assert "canary" not in str(added)
    assert len(STATE["deployment"]["resources"]) == 2
