"""`python -m ops verify`: which answers of a site mean that its proxy leads to it."""

import argparse
import json
import ssl
from collections.abc import Callable
from typing import Any

import pytest

from components.docker_app.remote_docker import RemoteDocker
from ops import cli, site
from ops.commands import verify


class Labelled(RemoteDocker):
    """A host that has labelled its container."""

    def run(self, *arguments: str, seconds: int | None = None) -> Any:  # noqa: ARG002 - as the superclass has it
        assert arguments[0] == "inspect"
        labels = '{"traefik.http.routers.web-1.entryPoints": "https", "traefik.enable": "true"}'
        return argparse.Namespace(stdout=labels)


@pytest.fixture
def check(monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[bool | None, str]]:
    """What is said of an answer with this status and body to a request for a path."""

    def check(
        status: int, path: str | None = None, body: str = "hello", expect: str | None = None, *, tls: bool = True
    ) -> tuple[bool | None, str]:
        monkeypatch.setattr(verify, "ROUTED_SECONDS", 0)
        monkeypatch.setattr(site, "ask", lambda *_, **__: site.Answer(status=status, body=body))
        parser = argparse.ArgumentParser()
        verify.add_arguments(parser)
        arguments = parser.parse_args([*(("--path", path) if path else ()), *(("--expect", expect) if expect else ())])
        host = Labelled(address="ssh://deploy@host", host_key="ssh-ed25519 AAAA")
        trust = ssl.create_default_context() if tls else None
        return verify._routed(host, "blog.example.org", "web-1", arguments, trust)

    return check


@pytest.mark.parametrize("status", [200, 204, 302, 401, 404])
def test_whatever_a_site_says_at_its_root_has_come_through_the_proxy(check: Any, status: int) -> None:
    assert check(status) == (True, f"https://blog.example.org/: answers over TLS, status {status}")


@pytest.mark.parametrize(("status", "path"), [(404, "/version.txt"), (401, "/version.txt"), (502, None), (504, None)])
def test_a_page_that_is_named_has_to_be_there_and_the_container_behind_the_proxy(
    check: Any, status: int, path: str | None
) -> None:
    assert check(status, path) == (
        False,
        f"https://blog.example.org{path or '/'}: answers over TLS, but: status {status}",
    )


def test_a_text_that_is_expected_has_to_be_at_the_root_too(check: Any) -> None:
    assert check(200, expect="hello")[0]
    assert not check(404, expect="other")[0]


def test_an_answer_of_traefik_without_a_router_names_the_entry_point(check: Any) -> None:
    passed, text = check(404, body="404 page not found\n")
    assert not passed
    assert "the container's is for entry point 'https': see that Traefik has it" in text


def test_site_without_tls_is_asked_for_over_http(check: Any) -> None:
    passed, text = check(200, tls=False)
    assert passed
    assert text.startswith("http://blog.example.org/: answers over HTTP")


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
    assert list(verify._serving(app, {}, arguments)) == [
        (True, "shop: 1 of 1 Pods behind Service web run blog:2"),
        (True, "shop: Service web answers over HTTP"),
    ]
    assert "kubectl get pods -n shop -l app=web -o json" in asked
    assert "kubectl get --raw /api/v1/namespaces/shop/services/http:web:8/proxy/" in asked
    del app["service"]
    ((passed, text),) = verify._serving(app, {}, arguments)
    assert (passed, text) == (None, "shop: no Service leads to blog:2, so that nothing can be asked")
