from typing import Any

import pytest

from components.manifests.ingress import read_ingress
from components.manifests.manifest import Manifest
from components.settings.declared import DeclaredIngress


def manifest(kind: str = "Ingress", **spec: Any) -> Manifest:
    body = {"apiVersion": "networking.k8s.io/v1", "kind": kind, "metadata": {"name": "web"}, "spec": spec}
    return Manifest(body=body, where="ingress.yml:3")


def test_an_ingress_has_its_class_secrets_and_an_address_for_each_host() -> None:
    found = read_ingress(
        manifest(
            ingressClassName="nginx",
            tls=[{"hosts": ["a.example.org"], "secretName": "tls"}, {"hosts": ["c.example.org"]}],
            rules=[
                {"host": "a.example.org", "http": {"paths": [{"path": "/api/v1"}, {"path": "/api"}]}},
                {"host": "b.example.org"},
                {"host": "*.example.org"},
                {"http": {"paths": []}},
            ],
        )
    )
    assert found == DeclaredIngress(
        class_by="ingress.yml:3",
        tls_by="ingress.yml:3",
        class_name="nginx",
        tls_secrets=("tls",),
        addresses=("https://a.example.org/api", "http://b.example.org/"),
    )


def test_another_kind_is_no_ingress() -> None:
    assert read_ingress(manifest("IngressClass")) is None


@pytest.mark.parametrize("spec", [{"tls": [{"hosts": 5}]}, {"rules": "no"}, {"rules": [{"host": 5, "http": []}]}])
def test_what_kubernetes_would_refuse_is_left_to_it(spec: dict[str, Any]) -> None:
    found = read_ingress(manifest(**spec))
    assert found
    assert found.tls_secrets == ()
