"""What a stack's Ingress needs of the cluster: without it, nothing answers, and Kubernetes says nothing."""

import json
import subprocess
from dataclasses import replace
from typing import Any

import pulumi
import pytest

from components.cluster import check as cluster_check
from components.cluster.reading import Reading
from components.settings.declared import Declared, DeclaredIngress
from components.settings.settings import Settings
from tests.support.recorder import deploy
from tests.unit.components.cluster.test_needed import stack, there

DEFAULT = {"ingressclass.kubernetes.io/is-default-class": "true"}
FILE = DeclaredIngress(class_by="ingress.yml:3", tls_by="ingress.yml:3", tls_secrets=("shop-tls",))


def require(of: Settings, *items: dict[str, Any], classes: dict[str, dict[str, str]] | None) -> list[str]:
    """What is warned of, on a cluster with these IngressClasses and their annotations; None may not be listed."""
    warned: list[str] = []

    def run(*arguments: str, **_: str) -> subprocess.CompletedProcess[str]:
        code, text = 0, "https://here:6443"
        if arguments[1].startswith("ingressclasses"):
            listed = [{"metadata": {"name": name, "annotations": given}} for name, given in (classes or {}).items()]
            code, text = int(classes is None), "" if classes is None else json.dumps({"items": listed})
        elif arguments[0] == "get":
            text = json.dumps({"items": items})
        return subprocess.CompletedProcess(arguments, code, stdout=text, stderr="")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pulumi.log, "warn", warned.append)
        deploy(lambda: cluster_check.require(of, "own", None, reading=Reading(of, run)), preview=True)
    return warned


def from_files(ingress: DeclaredIngress, kind: str = "Service") -> Settings:
    others = Declared(api_version="v1", kind=kind, name="shop", where="x.yml:1")
    own = Declared(api_version="networking.k8s.io/v1", kind="Ingress", name="shop", where="ingress.yml:3")
    return replace(stack(), declared=(others, replace(own, ingress=ingress)))


def test_a_class_that_does_not_exist_is_a_warning_with_those_that_do() -> None:
    of = stack(host="blog.example.org", ingressClass="nginx")
    no_class = (
        "IngressClass nginx, which kubernetes.ingressClass names, does not exist, and until it does nothing serves"
    )
    assert require(of, classes={"traefik": {}}) == [f"{no_class} the Ingress; name one that the cluster has: traefik"]
    (warned,) = require(of, classes={})
    assert warned == f"{no_class} the Ingress; the cluster has none; install an Ingress controller"
    (warned,) = require(from_files(replace(FILE, class_name="nginx", tls_secrets=())), classes={"traefik": {}})
    assert warned.startswith("IngressClass nginx, which ingress.yml:3 names, does not exist")
    assert require(of, classes={"nginx": {}}) == []


def test_classes_that_may_not_be_listed_are_no_problem() -> None:
    assert require(stack(host="blog.example.org", ingressClass="nginx"), classes=None) == []
    assert require(stack(host="blog.example.org"), classes=None) == []


def test_no_class_on_a_cluster_without_a_default_one_is_a_warning() -> None:
    of = stack(host="blog.example.org")
    assert require(of, classes={"nginx": {}}) == [
        "The Ingress of http://blog.example.org/ names no class and the cluster has no default one, so only a "
        "controller that takes Ingresses without a class serves it; name one that the cluster has: nginx "
        "(kubernetes.ingressClass)"
    ]
    assert require(of, classes={"nginx": DEFAULT}) == []
    old = stack(host="blog.example.org", ingressAnnotations={"kubernetes.io/ingress.class": "gce"})
    assert require(old, classes={}) == []


def test_a_stack_without_an_ingress_lists_no_classes() -> None:
    assert require(stack(), classes={}) == []


def test_a_tls_secret_that_nobody_has_made_yet_is_a_warning() -> None:
    message = (
        "Secret shop/blog-tls, which kubernetes.tlsSecret names, does not exist; until somebody makes it, such as "
        "cert-manager, the Ingress has the certificate of its controller"
    )
    of: dict[str, Any] = {"host": "blog.example.org", "ingressClass": "nginx", "tlsSecret": "blog-tls"}
    assert require(stack(**of), classes={"nginx": {}}) == [message]
    acme = {"kubernetes.io/tls-acme": "false"}
    assert require(stack(**of, ingressAnnotations=acme), classes={"nginx": {}}) == [message]
    assert require(stack(**of), there("Secret", "blog-tls"), classes={"nginx": {}}) == []
    for issuer in ("cert-manager.io/issuer", "cert-manager.io/cluster-issuer"):
        assert require(stack(**of, ingressAnnotations={issuer: "letsencrypt"}), classes={"nginx": {}}) == []


def test_a_tls_secret_of_manifests_may_come_from_a_certificate_beside_it() -> None:
    (warned,) = require(from_files(FILE), classes={"nginx": DEFAULT})
    assert warned.startswith("Secret shop/shop-tls, which ingress.yml:3 names, does not exist; until somebody makes it")
    assert require(from_files(FILE, kind="Certificate"), classes={"nginx": DEFAULT}) == []


def test_what_an_ingress_lacks_is_a_warning_beside_what_the_pods_lack() -> None:
    of: dict[str, Any] = {"host": "blog.example.org", "ingressClass": "nginx", "tlsSecret": "blog-tls"}
    found = require(
        stack({}, **of, secretsFrom=["database"]), there("Namespace", "kube-system", None), classes={"traefik": {}}
    )
    assert [text.partition(",")[0] for text in found] == [
        "IngressClass nginx",
        "Secret shop/blog-tls",
        "Once the namespace shop is there",
    ]
    with pytest.raises(pulumi.RunError) as raised:
        require(stack(**of, secretsFrom=["database"]), classes={"traefik": {}})
    assert "Secret shop/database" in str(raised.value)
    assert "blog-tls" not in str(raised.value)
