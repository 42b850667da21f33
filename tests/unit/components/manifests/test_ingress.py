from typing import Any

import pytest

from components.manifests.ingress import read_ingress
from components.manifests.manifest import Manifest
from components.settings.declared import DeclaredIngress
from components.source.yaml_file import Document


def manifest(kind: str = "Ingress", **spec: Any) -> Manifest:
    body = {"apiVersion": "networking.k8s.io/v1", "kind": kind, "metadata": {"name": "web"}, "spec": spec}
    return Manifest(body=body, document=Document(file="ingress.yml", value=body, lines={(): 3}))


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


@pytest.mark.parametrize(
    ("tls", "scheme"),
    [
        ([{"hosts": ["*.example.org"]}], "https"),
        ([{"secretName": "tls"}], "https"),
        ([{"hosts": []}], "https"),
        ([{"hosts": ["b.example.org"]}, {"hosts": ["a.example.org"]}], "https"),
        ([{"hosts": ["*.a.example.org"]}], "http"),
        ([{"hosts": ["*.org"]}], "http"),
        ([{"hosts": ["b.example.org"]}], "http"),
        ([], "http"),
    ],
)
def test_an_address_is_https_if_an_entry_covers_its_host(tls: list[dict[str, Any]], scheme: str) -> None:
    found = read_ingress(manifest(tls=tls, rules=[{"host": "a.example.org"}]))
    assert found
    assert found.addresses == (f"{scheme}://a.example.org/",)


@pytest.mark.parametrize(
    ("paths", "address"),
    [
        (["/app(/|$)(.*)"], "/app"),
        (["/(.*)"], "/"),
        (["/?(.*)"], "/"),
        (["/app/.*"], "/app/"),
        (["/app/?"], "/app"),
        (["/app/$"], "/app/"),
        (["/api/v[0-9]+"], None),
        (["/(api|web)/x"], None),
        (["/api/v[0-9]+", "/static"], "/static"),
        (["/x("], None),
        (["/a{99999999999}"], None),
        ([f"/{'(' * 2000}{')' * 2000}"], None),
        (["/.well-known"], "/.well-known"),
        ([], "/"),
    ],
)
def test_a_path_that_is_an_expression_is_an_address_it_matches(paths: list[str], address: str | None) -> None:
    rule = {"host": "a.example.org", "http": {"paths": [{"path": path} for path in paths]}}
    found = read_ingress(manifest(rules=[rule]))
    assert found
    assert found.addresses == (() if address is None else (f"http://a.example.org{address}",))


def test_another_kind_is_no_ingress() -> None:
    assert read_ingress(manifest("IngressClass")) is None


@pytest.mark.parametrize("spec", [{"tls": [{"hosts": 5}]}, {"rules": "no"}, {"rules": [{"host": 5, "http": []}]}])
def test_what_kubernetes_would_refuse_is_left_to_it(spec: dict[str, Any]) -> None:
    found = read_ingress(manifest(**spec))
    assert found
    assert found.tls_secrets == ()
