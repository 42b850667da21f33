"""What a credential may do: the rules that the API server lists, and what it says when asked for one action."""

import json
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from ops import cli as tools
from ops import rights
from ops.ops_error import OpsError

READ = {"verbs": ["get", "list", "watch"], "apiGroups": ["", "apps"], "resources": ["pods", "pods/log", "deployments"]}
ITSELF = {"verbs": ["create"], "apiGroups": ["authorization.k8s.io"], "resources": ["selfsubjectaccessreviews"]}

Answer = Callable[[dict[str, Any]], dict[str, Any]]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> dict[str, Answer]:
    """An API server that answers reviews, by their kind: an identity that reads Pods and Deployments."""
    answers: dict[str, Answer] = {
        "SelfSubjectRulesReview": lambda _: {"resourceRules": [READ, ITSELF], "incomplete": False},
        "SelfSubjectAccessReview": lambda _: {"allowed": False},
    }

    def run(*command: str, stdin: str, **_: Any) -> subprocess.CompletedProcess[str]:
        assert command[:2] == ("kubectl", "create")
        said = [answers[item["kind"]](item["spec"]) for item in json.loads(stdin)["items"]]
        return subprocess.CompletedProcess(command, 0, "".join(f"{json.dumps(line)}\n" for line in said), "")

    monkeypatch.setattr(tools, "run", run)
    return answers


def test_reading_what_is_no_secret_is_not_beyond_reading(server: dict[str, Answer]) -> None:
    assert server
    assert rights.beyond_reading("example", {}) == []


def test_an_action_that_the_rules_do_not_list_is_found_by_asking_for_it(server: dict[str, Answer]) -> None:
    def access(spec: dict[str, Any]) -> dict[str, Any]:
        asked = spec["resourceAttributes"]
        assert asked["namespace"] == "example"
        return {"allowed": (asked["verb"], asked["resource"], asked["subresource"]) == ("create", "pods", "exec")}

    server["SelfSubjectRulesReview"] = lambda _: {"resourceRules": [READ], "incomplete": True}
    server["SelfSubjectAccessReview"] = access
    assert rights.beyond_reading("example", {}) == ["create pods/exec"]


@pytest.mark.parametrize(
    ("rule", "found"),
    [
        ({"verbs": ["create"], "apiGroups": [""], "resources": ["pods/exec"]}, ["create pods/exec"]),
        ({"verbs": ["get"], "apiGroups": [""], "resources": ["pods/exec"]}, ["get pods/exec"]),
        (
            {"verbs": ["create"], "apiGroups": [""], "resources": ["serviceaccounts/token"]},
            ["create serviceaccounts/token"],
        ),
        ({"verbs": ["get"], "apiGroups": [""], "resources": ["pods/*"]}, ["get pods/*"]),
        ({"verbs": ["list"], "apiGroups": ["*"], "resources": ["*"]}, ["list *"]),
        ({"verbs": ["watch"], "apiGroups": [""], "resources": ["secrets"], "resourceNames": ["a"]}, ["watch secrets"]),
        (
            {"verbs": ["create"], "apiGroups": ["", "authorization.k8s.io"], "resources": ["selfsubjectx"]},
            ["create selfsubjectx"],
        ),
        ({"verbs": ["use"], "apiGroups": ["example.com"], "resources": ["things"]}, ["use things"]),
        ({"verbs": ["get"], "apiGroups": ["example.com"], "resources": ["things"]}, []),
    ],
)
def test_every_rule_beyond_reading_is_found(server: dict[str, Answer], rule: dict[str, Any], found: list[str]) -> None:
    server["SelfSubjectRulesReview"] = lambda _: {"resourceRules": [READ, rule], "incomplete": False}
    assert rights.beyond_reading("example", {}) == found


def test_an_api_server_that_leaves_a_question_open_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    refused = subprocess.CompletedProcess((), 1, '{"resourceRules": []}\n', "Error: the server was not found\n")
    monkeypatch.setattr(tools, "run", lambda *_, **__: refused)
    with pytest.raises(OpsError, match=r"does not say what the credential may do .*the server was not found"):
        rights.beyond_reading("example", {})
