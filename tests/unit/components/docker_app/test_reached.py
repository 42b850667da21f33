import itertools
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from components.docker_app import reached
from components.docker_app.entrance import Answer, Entrance
from components.docker_app.reached import Reach
from tests.support.docker_double import DockerDouble

REACH = Reach(
    entrances=[Entrance(host="blog.example.org")],
    token="new",
    entry_points=["websecure"],
    at="its port 8080 in the network 'traefik'",
    remedy="have the application listen on 0.0.0.0",
    seconds=60,
)
_problem = Reach.problem
"""Before the fixture `proxy` stands in for it."""
SERVED = Answer(status=200, token="new")
NOT_FOUND = Answer(status=404)
Problem = Callable[..., str | None]


@pytest.fixture
def problem(monkeypatch: pytest.MonkeyPatch) -> Problem:
    """What becomes of these answers from the Docker host, the last of them for good, and of those from here."""
    clock = itertools.count()
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    monkeypatch.setattr(time, "sleep", lambda _: None)

    def problem(*from_host: Answer, from_here: Answer = Answer(reason="no such host"), **route: Any) -> str | None:  # noqa: B008
        answers = itertools.chain(from_host, itertools.repeat(from_host[-1]))
        monkeypatch.setattr(reached, "ask_from_host", lambda *_: next(answers))
        monkeypatch.setattr(reached, "ask_from_here", lambda *_: from_here)
        return _problem(replace(REACH, **route), DockerDouble())

    return problem


def test_container_is_reached_once_the_proxy_answers_by_its_route(problem: Problem) -> None:
    assert problem(NOT_FOUND, Answer(status=200, token="old"), Answer(status=502, token="new"), SERVED) is None
    # Whatever the application, or a middleware before it, says.
    assert problem(Answer(status=401, token="new")) is None


def test_proxy_is_asked_more_often_at_first(problem: Problem, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(time, "sleep", pauses.append)
    assert problem(*[NOT_FOUND] * 8, SERVED) is None
    first, last = pauses[0], pauses[-1]
    assert 0 < first < last
    assert pauses == sorted(pauses)


def test_route_that_the_proxy_does_not_know_is_reported_with_what_it_names(problem: Problem) -> None:
    said = problem(NOT_FOUND, middlewares=("auth@file",), cert_resolver="le")
    assert said == (
        "the reverse proxy at 127.0.0.1:443 of ssh://deploy@host does not route blog.example.org to it (it answers "
        "with status 404); see in the proxy's log whether it knows the entry point 'websecure', the middleware "
        "'auth@file' and the certificate resolver 'le'"
    )


def test_proxy_is_asked_from_here_if_the_docker_host_does_not_reach_it(problem: Problem) -> None:
    refused = Answer(reason="open failed: connect failed: Connection refused")
    assert problem(refused, from_here=SERVED) is None
    said = problem(refused) or ""
    assert "cannot be asked at 127.0.0.1:443 of ssh://deploy@host (open failed: connect failed: Connection" in said
    assert "nor at blog.example.org:443 from here; set gitlab-deploy:dockerHost.proxy" in said


def test_proxy_that_may_take_plain_requests_is_asked_for_those_too(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = itertools.count()
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    monkeypatch.setattr(time, "sleep", lambda _: None)
    both = [Entrance(host="blog.example.org"), Entrance(host="blog.example.org", tls=False)]
    monkeypatch.setattr(reached, "ask_from_here", lambda *_: Answer())

    def ask(_: object, entrance: Entrance, __: str) -> Answer:
        return Answer(reason="refused") if entrance.tls else plain

    monkeypatch.setattr(reached, "ask_from_host", ask)
    plain = SERVED
    assert _problem(replace(REACH, entrances=both), DockerDouble()) is None
    plain = NOT_FOUND
    said = _problem(replace(REACH, entrances=both), DockerDouble()) or ""
    assert "the reverse proxy at 127.0.0.1:80 of ssh://deploy@host does not route blog.example.org to it" in said


def test_application_that_listens_on_loopback_alone_is_reported(problem: Problem) -> None:
    said = problem(NOT_FOUND, Answer(status=502, token="new")) or ""
    assert (
        "gets no answer from its port 8080 in the network 'traefik' (status 502); have the application listen" in said
    )


def test_certificate_of_the_proxys_own_is_reported_if_a_resolver_is_to_get_one(problem: Problem) -> None:
    made_up = Answer(status=200, token="new", has_other_certificate=True)
    assert problem(made_up) is None
    assert problem(made_up, made_up, SERVED, cert_resolver="le") is None
    assert "whether it knows the certificate resolver 'le'" in (problem(made_up, cert_resolver="le") or "")


def test_a_host_that_was_served_before_keeps_the_certificate_it_has(problem: Problem) -> None:
    made_up = Answer(status=200, token="new", has_other_certificate=True)
    assert problem(made_up, cert_resolver="le", served=True) is None
    assert problem(NOT_FOUND, cert_resolver="le", served=True)
