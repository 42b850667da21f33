import base64
import json
from dataclasses import replace
from typing import Any

import pulumi
import pytest

from components.access.deploy_access import DeployAccess, DeployAccessArgs
from components.settings.access import Access
from tests.support.recorder import Recorder, deploy

TOKEN = "eyJhbGciOiJSUzI1NiJ9.payload.signature"
SECRET = {
    "kubernetes:core/v1:Secret": {
        "data": {"token": base64.b64encode(TOKEN.encode()).decode(), "ca.crt": base64.b64encode(b"PEM").decode()}
    }
}
BLOCK = Access(
    namespace="example", service_account="gitlab-example", server="https://kube.example.com:6443", rotation="2026-11"
)
ACCESS = DeployAccessArgs(access=BLOCK, cluster="production")


def access(args: DeployAccessArgs = ACCESS, outputs: Any = SECRET) -> Recorder:
    return deploy(lambda: DeployAccess("access", args).deploy.kubeconfig, outputs)


def test_access_declares_exactly_its_objects() -> None:
    run = access()
    assert run.types() == [
        "kubernetes:core/v1:Namespace",
        "kubernetes:core/v1:Secret",
        "kubernetes:core/v1:ServiceAccount",
        "kubernetes:networking.k8s.io/v1:NetworkPolicy",
        "kubernetes:rbac.authorization.k8s.io/v1:RoleBinding",
    ]


def test_access_binds_cluster_role_admin_in_its_namespace_only() -> None:
    run = access()
    binding = run.one("kubernetes:rbac.authorization.k8s.io/v1:RoleBinding").inputs
    assert binding["roleRef"] == {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "admin"}
    assert binding["metadata"] == {"name": "gitlab-example-admin", "namespace": "example"}
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": "gitlab-example", "namespace": "example"}]
    assert not [d for d in run.declarations if "ClusterRoleBinding" in d.type]


def test_access_token_is_an_explicit_secret_named_by_the_rotation() -> None:
    run = access()
    secret = run.one("kubernetes:core/v1:Secret")
    assert secret.inputs["type"] == "kubernetes.io/service-account-token"
    assert secret.inputs["metadata"]["name"] == "gitlab-example-token-2026-11"
    assert secret.inputs["metadata"]["annotations"] == {"kubernetes.io/service-account.name": "gitlab-example"}
    assert "access-service-account" in secret.depends_on


def test_access_protects_the_namespace_alone() -> None:
    run = access()
    assert [d.name for d in run.declarations if d.protect] == ["access-namespace"]


def test_access_protection_can_be_taken_off() -> None:
    run = access(DeployAccessArgs(access=replace(BLOCK, protect=False), cluster="c"))
    assert not [d.name for d in run.declarations if d.protect]


def test_access_pins_a_pod_security_standard_and_denies_traffic_by_default() -> None:
    run = access()
    labels = run.one("kubernetes:core/v1:Namespace").inputs["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
    assert labels["pod-security.kubernetes.io/enforce-version"].startswith("v1.")
    policy = run.one("kubernetes:networking.k8s.io/v1:NetworkPolicy").inputs["spec"]
    assert policy == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


def test_access_mounts_no_token_into_pods() -> None:
    run = access()
    assert run.one("kubernetes:core/v1:ServiceAccount").inputs["automountServiceAccountToken"] is False


def test_access_kubeconfig_is_secret_and_reaches_only_its_namespace() -> None:
    found: dict[str, tuple[bool, str | None]] = {}

    async def look(name: str, output: pulumi.Output[str]) -> None:
        found[name] = (await output.is_secret(), await output.future())

    def program() -> object:
        issued = DeployAccess("access", ACCESS).deploy
        return pulumi.Output.all(look("kubeconfig", issued.kubeconfig), look("token", issued.token))

    deploy(program, SECRET)
    assert found["token"] == (True, TOKEN)
    secret, text = found["kubeconfig"]
    assert secret
    kubeconfig = json.loads(text or "")
    assert kubeconfig["users"] == [{"name": "gitlab-example", "user": {"token": TOKEN}}]
    assert kubeconfig["contexts"][0]["context"]["namespace"] == "example"
    assert kubeconfig["clusters"][0]["cluster"]["server"] == "https://kube.example.com:6443"
    assert base64.b64decode(kubeconfig["clusters"][0]["cluster"]["certificate-authority-data"]) == b"PEM"


def test_access_token_secret_not_filled_yet_is_one_sentence_with_a_remedy() -> None:
    with pytest.raises(pulumi.RunError, match=r"example/gitlab-example-token-2026-11 holds no token yet.*run the same"):
        access(outputs={"kubernetes:core/v1:Secret": {"data": {}}})


def test_access_args_refuse_what_kubernetes_would_refuse() -> None:
    with pytest.raises(ValueError, match="namespace: 'Example' is not a DNS label; use"):
        replace(BLOCK, namespace="Example")
    with pytest.raises(ValueError, match="namespace: 'kube-system' belongs to the cluster; name"):
        replace(BLOCK, namespace="kube-system")
    with pytest.raises(ValueError, match="cluster: 'C' is not a DNS name"):
        DeployAccessArgs(access=BLOCK, cluster="C")


def test_access_enforces_the_level_that_is_said_and_leaves_the_network_open_if_said() -> None:
    run = access(replace(ACCESS, access=replace(BLOCK, pod_security="baseline", default_deny=False)))
    labels = run.one("kubernetes:core/v1:Namespace").inputs["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "baseline"
    assert not [d for d in run.declarations if "NetworkPolicy" in d.type]


PEM = "-----BEGIN CERTIFICATE-----\nMIIBszCCAVmg\n-----END CERTIFICATE-----\n"


@pytest.mark.parametrize(
    ("authority", "expected"),
    [
        (None, base64.b64encode(b"PEM").decode()),
        ("system", None),
        (PEM, base64.b64encode(PEM.encode()).decode()),
    ],
)
def test_kubeconfig_has_what_the_jobs_reach_the_server_by(authority: str | None, expected: str | None) -> None:
    block = replace(
        BLOCK, certificate_authority=authority, tls_server_name="kubernetes", proxy_url="socks5://10.0.0.1:1080"
    )
    rendered: list[str] = []

    def program() -> None:
        DeployAccess("access", replace(ACCESS, access=block)).deploy.kubeconfig.apply(rendered.append)

    deploy(program, SECRET)
    [cluster] = json.loads(rendered[0])["clusters"]
    reached = {"server": BLOCK.server, "tls-server-name": "kubernetes", "proxy-url": "socks5://10.0.0.1:1080"}
    assert cluster["cluster"] == reached | ({"certificate-authority-data": expected} if expected else {})


def test_kubeconfig_that_the_server_does_not_take_reaches_nobody() -> None:
    asked: list[str] = []

    async def ask(kubeconfig: str, _: Access) -> str | None:
        asked.append(kubeconfig)
        return "The API server does not accept it"

    def program(block: Access) -> object:
        return DeployAccess("access", replace(ACCESS, access=block, ask=ask)).deploy.kubeconfig

    with pytest.raises(pulumi.RunError, match="The API server does not accept it"):
        deploy(lambda: program(BLOCK), SECRET)
    assert [json.loads(text)["users"][0]["user"]["token"] for text in asked] == [TOKEN]
    deploy(lambda: program(replace(BLOCK, check_server=False)), SECRET)
    deploy(lambda: program(BLOCK), SECRET, preview=True)
    assert len(asked) == 1
