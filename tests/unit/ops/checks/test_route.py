"""Which answers of a site mean that its proxy leads to it."""

import argparse
import json
import ssl
from collections.abc import Callable
from typing import Any

import pytest

from components.docker_app.entrance import Answer
from components.docker_app.remote_docker import RemoteDocker
from ops import site
from ops.checks import route
from ops.commands import verify


class Labelled(RemoteDocker):
    """A host that has labelled its container."""

    def run(self, *arguments: str, seconds: int | None = None) -> Any:  # noqa: ARG002 - as the superclass has it
        assert arguments[0] == "inspect"
        rule = "Host(`blog.example.org`) && Path(`/.well-known/gitlab-deploy/t1`)"
        labels = json.dumps(
            {"traefik.http.routers.web-1.entryPoints": "https", "traefik.http.routers.web-1-probe.rule": rule}
        )
        return argparse.Namespace(stdout=labels)


@pytest.fixture
def check(monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[bool | None, str]]:
    """What is said of an answer with this status and body to a request for a path."""

    def check(
        status: int, path: str | None = None, body: str = "hello", expect: str | None = None, *, tls: bool = True
    ) -> tuple[bool | None, str]:
        monkeypatch.setattr(route, "ROUTED_SECONDS", 0)
        monkeypatch.setattr(site, "ask", lambda *_, **__: site.Answer(status=status, body=body))
        parser = argparse.ArgumentParser()
        verify.add_arguments(parser)
        arguments = parser.parse_args([*(("--path", path) if path else ()), *(("--expect", expect) if expect else ())])
        host = Labelled(address="ssh://deploy@host", host_key="ssh-ed25519 AAAA")
        trust = ssl.create_default_context() if tls else None
        return route.routed(host, "blog.example.org", "web-1", arguments, trust)

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


def test_an_answer_of_traefik_without_a_router_names_the_entry_point(
    check: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(route, "ask_from_host", lambda *_: Answer(status=404))
    passed, text = check(404, body="404 page not found\n")
    assert not passed
    assert "the container's is for entry point 'https': see that Traefik has it" in text


def test_site_without_tls_is_asked_for_over_http(check: Any) -> None:
    passed, text = check(200, tls=False)
    assert passed
    assert text.startswith("http://blog.example.org/: answers over HTTP")


@pytest.mark.parametrize(("token", "passed"), [("t1", True), ("", False), ("t0", False)])
def test_a_404_like_traefiks_is_the_applications_if_the_container_is_reached(
    check: Any, monkeypatch: pytest.MonkeyPatch, token: str, passed: bool
) -> None:
    monkeypatch.setattr(route, "ask_from_host", lambda *_: Answer(status=200, token=token))
    assert check(404, body="404 page not found\n")[0] is passed
