"""Failures on demand."""

import http.client
import json
import time
from email.utils import parsedate_to_datetime

import pytest
import requests

from tests.support.gitlab_double import Api, GitLabDouble, Reply, refused

CREATE = {"key": "A", "value": "12345678"}


@pytest.fixture
def own_api(own_double: GitLabDouble) -> Api:
    return Api(own_double, own_double.token, "group/blog")


def keys(double: GitLabDouble) -> list[str]:
    project = double.client().projects.get("group/blog")
    return [variable.key for variable in project.variables.list(get_all=True)]


def test_a_throttled_request_has_every_header_and_a_plain_text(own_double: GitLabDouble, own_api: Api) -> None:
    own_double.faults({"method": "GET", "path": "/variables$", "status": 429})
    asked = int(time.time())
    reply = own_api("GET", "/variables")
    assert (reply.status, reply.body) == (429, b"Retry later\n")
    assert reply.headers["content-type"].startswith("text/plain")
    assert reply.headers["ratelimit-name"] == "throttle_authenticated_api"
    assert int(reply.headers["ratelimit-observed"]) > int(reply.headers["ratelimit-limit"])
    assert reply.headers["ratelimit-remaining"] == "0"
    reset = int(reply.headers["ratelimit-reset"])
    assert parsedate_to_datetime(reply.headers["ratelimit-resettime"]).timestamp() == reset
    assert int(reply.headers["retry-after"]) == 1
    assert reset >= asked + 1
    assert own_api("GET", "/variables").status == 200


def test_a_throttled_endpoint_answers_json(own_double: GitLabDouble, own_api: Api) -> None:
    own_double.faults({"method": "*", "path": ".", "status": "429-endpoint"})
    reply = own_api("GET", "/variables")
    text = "This endpoint has been requested too many times. Try again later."
    assert (reply.status, reply.json()) == (429, {"message": {"error": text}})
    assert int(reply.headers["retry-after"]) == 1


def test_python_gitlab_waits_and_gets_through(own_double: GitLabDouble) -> None:
    project = own_double.client().projects.get("group/blog")
    own_double.faults({"method": "POST", "path": "/variables$", "status": 429})
    assert project.variables.create(CREATE).key == "A"


def test_a_500_is_json_and_changes_nothing(own_double: GitLabDouble) -> None:
    project = own_double.client().projects.get("group/blog")
    own_double.faults({"method": "POST", "path": "/variables$", "status": 500})
    assert refused(lambda: project.variables.create(CREATE)) == (500, {"message": "500 Internal Server Error"})
    assert keys(own_double) == []


def test_a_502_is_html_by_the_proxy(own_double: GitLabDouble, own_api: Api) -> None:
    own_double.faults({"method": "GET", "path": "/variables$", "status": 502})
    reply = own_api("GET", "/variables")
    assert reply.status == 502
    assert reply.headers["content-type"].startswith("text/html")


@pytest.mark.parametrize(("status", "left"), [("drop-before", []), ("drop-after", ["A"])])
def test_a_dropped_reply_leaves_the_caller_in_doubt(own_double: GitLabDouble, status: str, left: list[str]) -> None:
    project = own_double.client().projects.get("group/blog")
    own_double.faults({"method": "POST", "path": "/variables$", "status": status})
    with pytest.raises(requests.ConnectionError):
        project.variables.create(CREATE)
    assert keys(own_double) == left


def test_a_dropped_connection_brings_no_byte(own_double: GitLabDouble, own_api: Api) -> None:
    own_double.faults({"method": "GET", "path": "/variables$", "status": "drop-after"})
    with pytest.raises(http.client.RemoteDisconnected):
        own_api("GET", "/variables")
    assert own_api("GET", "/variables").status == 200


def test_entries_are_used_up_in_order(own_double: GitLabDouble, own_api: Api) -> None:
    own_double.faults(
        {"method": "POST", "path": "/variables$", "status": 502},
        {"method": "*", "path": "/variables", "status": 500, "times": 2},
        {"method": "GET", "path": "/variables", "status": 502},
    )
    assert [own_api("GET", "/variables").status for _ in range(4)] == [500, 500, 502, 200]
    left = own_double.request("GET", "/-/sandbox/faults")
    assert left.json() == [{"method": "POST", "path": "/variables$", "status": 502, "times": 1}]
    own_double.faults()
    assert own_api("POST", "/variables", b'{"key":"A","value":"1"}').status == 201


@pytest.mark.parametrize(
    "body",
    [
        "nonsense",
        "[1]",
        '[{"method":"GET","path":"."}]',
        '[{"method":"GET","path":".","status":404}]',
        '[{"method":"GET","path":".","status":500,"times":0}]',
        '[{"method":"GET","path":"(","status":500}]',
        '[{"method":"GET","path":1,"status":500}]',
        '[{"method":1,"path":".","status":500}]',
        '[{"method":"GET","path":".","status":500,"more":1}]',
    ],
)
def test_a_list_that_is_not_valid_is_refused_and_the_old_one_stays(own_double: GitLabDouble, body: str) -> None:
    entry = {"method": "GET", "path": "none", "status": 500, "times": 1}
    own_double.faults(entry)
    reply: Reply = own_double.request("PUT", "/-/sandbox/faults", body.encode())
    assert reply.status == 400
    assert reply.json()["sandbox"].startswith("faults must be a list of")
    assert own_double.request("GET", "/-/sandbox/faults").body == json.dumps([entry], separators=(",", ":")).encode()
