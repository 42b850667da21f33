import base64
import json

from components.access import kubeconfig, masking


def render(token: str = "header.payload.signature") -> str:
    return kubeconfig.render(
        cluster="production",
        server="https://kube.example.com:6443",
        certificate_authority_data=base64.b64encode(b"P" * 1500).decode(),
        namespace="example",
        user="gitlab-example",
        token=token,
    )


def test_kubeconfig_can_be_masked_in_both_forms() -> None:
    assert masking.refusal(render(), raw=True) is None
    assert masking.refusal(kubeconfig.to_base64(render()), raw=False) is None


def test_kubeconfig_names_one_context_and_uses_it() -> None:
    config = json.loads(render())
    assert config["current-context"] == "production"
    assert [context["name"] for context in config["contexts"]] == ["production"]
    assert config["contexts"][0]["context"] == {
        "cluster": "production",
        "namespace": "example",
        "user": "gitlab-example",
    }
