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
        answers = {"service": json.dumps(service), "pods": json.dumps({"items": [pod]}), "--raw": "hello"}
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
