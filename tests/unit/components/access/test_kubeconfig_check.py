import asyncio
import json
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from components.access import kubeconfig_check
from components.settings.access import Access
from components.settings.kubernetes_rules import SYSTEM

ACCESS = Access(namespace="example", service_account="sa", server="https://kube.example.com:6443")
KUBECONFIG = json.dumps({"token": "canary-token"})
LOGIN = "error: You must be logged in to the server (the server has asked for the client to provide credentials)\n"


@pytest.fixture(autouse=True)
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    seconds: list[float] = []

    async def sleep(time: float) -> None:
        seconds.append(time)

    monkeypatch.setattr("components.access.kubeconfig_check.asyncio.sleep", sleep)
    return seconds


def ask(*said: str, access: Access = ACCESS) -> tuple[str | None, list[list[str]]]:
    """The problem if kubectl says this, one text for each time it is asked; and its arguments."""
    texts, asked = list(said), []

    def run(*arguments: str, **_: Any) -> subprocess.CompletedProcess[str]:
        file = Path(arguments[0].removeprefix("--kubeconfig="))
        assert file.read_text() == KUBECONFIG
        assert file.stat().st_mode & 0o777 == 0o600
        if arguments[1] == "config":
            return subprocess.CompletedProcess(arguments, 0, stdout=access.server, stderr="")
        asked.append(list(arguments))
        text = texts.pop(0)
        return subprocess.CompletedProcess(arguments, 1 if text else 0, stdout="", stderr=text)

    problem = asyncio.run(kubeconfig_check.problem(KUBECONFIG, access, run))
    assert not [words for words in asked if "canary" in str(words) or Path(words[0].partition("=")[2]).exists()]
    return problem, asked


@pytest.mark.parametrize("said", ["", 'Error from server (Forbidden): forbidden: User "x" cannot get path "/api"\n'])
def test_server_that_knows_the_user_has_no_problem(said: str) -> None:
    problem, asked = ask(said)
    assert problem is None
    assert len(asked) == 1


def test_token_that_is_known_a_moment_later_has_no_problem(slept: list[float]) -> None:
    problem, asked = ask(LOGIN, LOGIN, "")
    assert problem is None
    assert (len(asked), len(slept)) == (3, 2)


@pytest.mark.parametrize(
    ("said", "remedy"),
    [
        (
            "Unable to connect to the server: dial tcp: lookup kube.example.com: no such host",
            "correct access.server or",
        ),
        ("The connection to the server kube.example.com:6443 was refused - did you", "or set access.checkServer to"),
        (
            "Unable to connect to the server: tls: failed to verify certificate: x509: certificate signed by unknown "
            "authority",
            "that of the cluster is in it; set access.certificateAuthority to",
        ),
        (
            "Unable to connect to the server: tls: failed to verify certificate: x509: certificate is valid for "
            "kubernetes, not kube.example.com",
            "set access.tlsServerName to a name that its certificate has",
        ),
    ],
)
def test_server_that_is_not_reached_is_one_sentence_with_the_key_to_change(said: str, remedy: str) -> None:
    problem, asked = ask(said)
    assert problem
    assert problem.startswith("The API server https://kube.example.com:6443 does not accept the kubeconfig that jobs")
    assert "so no variable was changed; " in problem
    assert remedy in problem
    assert "\n" not in problem
    assert len(asked) == 1


def test_server_of_another_cluster_does_not_know_the_token() -> None:
    problem, _ = ask(*[LOGIN] * 5)
    assert problem
    assert "let access.server lead to the cluster that this stack is on" in problem


def test_wrong_authority_of_ones_own_is_not_called_the_clusters() -> None:
    said = "Unable to connect to the server: x509: certificate signed by unknown authority"
    problem, _ = ask(said, access=replace(ACCESS, certificate_authority=SYSTEM))
    assert problem
    assert "that of the cluster" not in problem


def test_missing_kubectl_is_one_sentence() -> None:
    def run(*_: str, **__: Any) -> subprocess.CompletedProcess[str]:
        raise FileNotFoundError

    assert asyncio.run(kubeconfig_check.problem(KUBECONFIG, ACCESS, run)) == (
        "There is no kubectl on PATH, which asks the API server; install it"
    )
