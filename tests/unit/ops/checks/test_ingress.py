"""`ops verify` asks for the application on Kubernetes as users do: through its Ingress."""

import argparse
import json
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import pytest

from components.outputs import StackOutputs
from ops import cli, site
from ops.checks import ingress
from tests.support.answering import answering

HERE = ingress.Controller(at=None)


def asked(status: int, path: str = "/", url: str = "http://blog.example.org/docs") -> tuple[bool | None, str]:
    """What is said of a controller that answers with this status."""
    with answering(status) as address:
        at = urlsplit(address)
        controller = ingress.Controller(at=(str(at.hostname), int(at.port or 0)))
        passed, text = ingress.ask(url, path, controller, None)
        return passed, text.replace(at.netloc, "ADDRESS")


def test_an_application_that_answers_is_asked_below_the_path_of_its_ingress() -> None:
    assert asked(200, "/version.txt") == (
        True,
        "http://blog.example.org/docs/version.txt at ADDRESS: answers through its Ingress, status 200",
    )
    assert asked(302)[0]
    assert asked(401)[0]


@pytest.mark.parametrize("status", [404, 502, 503])
def test_what_a_controller_says_without_a_route_is_a_failed_check(status: int) -> None:
    passed, text = asked(status)
    assert passed is False
    assert f"status {status}, which an Ingress controller says if it has no route or no Pod" in text


def test_a_name_that_leads_nowhere_from_here_is_noted_and_another_address_tried() -> None:
    tried: list[tuple[str, int]] = []

    def nobody(*_: Any, at: tuple[str, int]) -> site.Answer:
        tried.append(at)
        raise site.UnreachableError("Name or service not known")

    controller = ingress.Controller(at=None, reported=("192.0.2.7",))
    passed, text = ingress.ask("https://blog.example.org/", "/", controller, None, nobody)
    assert passed is None
    assert tried == [("blog.example.org", 443), ("192.0.2.7", 443)]
    assert "could not be asked from here" in text
    given = ingress.Controller(at=("192.0.2.9", 8443))
    assert ingress.ask("https://blog.example.org/", "/", given, None, nobody)[0] is False


def test_a_certificate_that_is_not_accepted_is_a_failed_check() -> None:
    def refused(*_: Any, at: tuple[str, int]) -> site.Answer:
        raise site.UntrustedError(f"its certificate is not accepted by {at[0]}")

    passed, text = ingress.ask("https://blog.example.org/", "/", HERE, None, refused)
    assert (passed, text) == (
        False,
        "https://blog.example.org/, but: its certificate is not accepted by blog.example.org "
        "(gitlab-deploy:kubernetes.tlsSecret)",
    )


def test_addresses_that_ingresses_report_are_read_from_the_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    reported = [{"status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.7"}, {"hostname": "lb"}]}}}, {"status": {}}]
    done = SimpleNamespace(returncode=0, stdout=json.dumps({"items": reported}))
    monkeypatch.setattr(cli, "run", lambda *_: done)
    assert ingress.Controller.of("shop", None).reported == ("192.0.2.7", "lb")
    done.returncode = 1
    assert ingress.Controller.of("shop", None).reported == ()


def test_without_a_path_the_one_of_the_ingress_is_asked_for_and_may_be_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ingress, "ROUTED_SECONDS", 0)
    seen: list[str] = []

    def answer(_host: str, path: str, *_: Any, **__: Any) -> site.Answer:
        seen.append(path)
        return site.Answer(status=404, body="")

    assert ingress.ask("https://blog.example.org/docs", None, HERE, None, answer)[0] is None
    assert ingress.ask("https://blog.example.org/", None, HERE, None, answer)[0] is None
    assert ingress.ask("https://blog.example.org/", "/version.txt", HERE, None, answer)[0] is False
    assert seen == ["/docs/", "/", "/version.txt"]


@pytest.mark.parametrize(("answers", "passed"), [([False, True], True), ([False, False], False), ([None], None)])
def test_a_route_gets_some_time_and_then_counts_as_what_it_is(
    monkeypatch: pytest.MonkeyPatch, answers: list[bool | None], passed: bool | None
) -> None:
    clock = iter(range(0, 1000, ingress.ROUTED_SECONDS - 1))
    monkeypatch.setattr(ingress, "time", SimpleNamespace(monotonic=lambda: next(clock), sleep=lambda _: None))
    monkeypatch.setattr(ingress.Controller, "of", lambda *_: HERE)
    given = iter(answers)
    monkeypatch.setattr(ingress, "ask", lambda url, *_: (next(given, False), url))
    outputs: StackOutputs[str] = {"addresses": {"kubernetes": ["http://a/"]}}
    found = list(ingress.checks("blog", outputs, argparse.Namespace(path=None, ca=None, proxy=None)))
    assert found == [(passed, "http://a/")]
