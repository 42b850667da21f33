"""The application on the cluster is found by its Service."""

import argparse
import json
from typing import Any

import pytest

from ops import cli
from ops.checks import kubernetes


def test_pods_are_found_by_the_services_selector_and_asked_at_its_port(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ready = {"metadata": {}, "status": {"conditions": [{"type": "Ready", "status": "True"}]}}
    pod = ready | {"spec": {"containers": [{"image": "proxy:1"}, {"image": "blog:2"}]}}
    service = {
        "spec": {"selector": {"app": "web"}, "ports": [{"name": "metrics", "port": 9}, {"name": "http", "port": 8}]}
    }
    asked: list[str] = []

    def run(*command: str, environment: Any = None) -> Any:
        asked.append(" ".join(command))
        answers = {"service": json.dumps(service), "pods": json.dumps({"items": [pod]}), "--raw": "hello"} | {
            "view": "https://here"
        }
        return argparse.Namespace(returncode=0, stdout=answers[command[2]], stderr="", environment=environment)

    monkeypatch.setattr(cli, "run", run)
    arguments = argparse.Namespace(path="/", expect=None)
    app: Any = {"namespace": "shop", "service": "web", "image": "blog:2"}
    assert list(kubernetes.serving(app, {}, arguments)) == [
        (True, "shop: 1 of 1 Pods behind Service web run blog:2"),
        (True, "shop: Service web answers over HTTP"),
    ]
    assert "kubectl get pods -n shop -l app=web -o json" in asked
    assert "kubectl get --raw /api/v1/namespaces/shop/services/http:web:8/proxy/" in asked
    del app["service"]
    ((passed, text),) = kubernetes.serving(app, {}, arguments)
    assert (passed, text) == (None, "shop: no Service leads to blog:2, so that nothing can be asked")


@pytest.mark.parametrize(
    ("stderr", "path", "passed"),
    [
        ("Error from server (NotFound): the server could not find the requested resource", None, True),
        ("error: You must be logged in to the server (Unauthorized)", None, True),
        ("Error from server (NotFound): the server could not find the requested resource", "/version.txt", False),
        ("Error from server (ServiceUnavailable): no endpoints available for service", None, False),
        ('Error from server (Forbidden): User "jobs" cannot get resource "services/proxy"', None, False),
    ],
)
def test_an_application_may_have_no_page_at_its_root(
    monkeypatch: pytest.MonkeyPatch, stderr: str, path: str | None, passed: bool
) -> None:
    service: Any = {"spec": {"selector": {"app": "web"}, "ports": [{"port": 8}]}}

    def run(*command: str, environment: Any = None) -> Any:  # noqa: ARG001 - as the function has it
        if command[2] == "--raw":
            return argparse.Namespace(returncode=1, stdout="", stderr=stderr)
        found: Any = service if command[2] == "service" else {"items": []}
        return argparse.Namespace(returncode=0, stdout=json.dumps(found), stderr="")

    monkeypatch.setattr(cli, "run", run)
    application: Any = {"namespace": "shop", "service": "web", "image": "blog:2"}
    asked = list(kubernetes.serving(application, {}, argparse.Namespace(path=path, expect=None)))
    assert asked[-1][0] is passed


def test_many_applications_of_one_cluster_ask_once_for_its_address(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = {
        "service": json.dumps({"spec": {"selector": {"app": "web"}, "ports": [{"port": 8}]}}),
        "pods": json.dumps({"items": []}),
        "view": "https://here",
        "--raw": "hello",
    }
    asked: list[str] = []

    def run(*command: str, environment: Any = None) -> Any:  # noqa: ARG001 - as the function has it
        asked.append(command[2])
        return argparse.Namespace(returncode=0, stdout=answers[command[2]], stderr="")

    monkeypatch.setattr(cli, "run", run)
    for namespace in ("shop", "blog", "wiki"):
        application: Any = {"namespace": namespace, "service": "web", "image": "blog:2"}
        list(kubernetes.serving(application, {}, argparse.Namespace(path="/", expect=None)))
    assert (asked.count("--raw"), asked.count("view")) == (3, 1)
