import json
import subprocess

import pulumi
import pytest

from components.manifests.manifest import Manifest
from components.manifests.scope import require
from components.source.yaml_file import Document


def manifest(version: str, kind: str) -> Manifest:
    body = {"apiVersion": version, "kind": kind, "metadata": {"name": "x"}}
    return Manifest(body=body, document=Document(file="crds.yml", value=body, lines={(): 3}))


def cluster(*arguments: str) -> subprocess.CompletedProcess[str]:
    if arguments[0] == "config":
        return subprocess.CompletedProcess(arguments, 0, stdout="https://here:6443", stderr="")
    assert arguments == ("get", "--raw", "/apis/example.com/v1")
    resources = [
        {"name": "widgets", "kind": "Widget", "namespaced": True},
        {"name": "widgets/status", "kind": "Widget", "namespaced": False},
        {"name": "policies", "kind": "Policy", "namespaced": False},
    ]
    return subprocess.CompletedProcess(arguments, 0, stdout=json.dumps({"resources": resources}), stderr="")


def test_custom_resource_of_the_whole_cluster_is_refused_with_its_line() -> None:
    require([manifest("example.com/v1", "Widget"), manifest("apps/v1", "Deployment")], cluster)
    with pytest.raises(
        pulumi.RunError, match=r"Nothing was changed:\n  crds\.yml:3 is a Policy, which belongs to no name"
    ):
        require([manifest("example.com/v1", "Widget"), manifest("example.com/v1", "Policy")], cluster)


@pytest.mark.parametrize("kind", ["Widgett", "Certificate"])
def test_custom_resource_that_the_cluster_does_not_have_is_refused_with_its_line(kind: str) -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        if kind == "Certificate" and arguments[0] == "get":
            said = "Error from server (NotFound): the server could not find the requested resource"
            return subprocess.CompletedProcess(arguments, 1, stdout="", stderr=said)
        return cluster(*arguments)

    with pytest.raises(pulumi.RunError, match=rf"crds\.yml:3 is a {kind} of example\.com/v1, which this cluster does"):
        require([manifest("example.com/v1", kind)], run)


def test_cluster_that_does_not_answer_refuses_no_custom_resource() -> None:
    require(
        [manifest("example.com/v1", "Widget")],
        lambda *arguments: subprocess.CompletedProcess(arguments, 1, stdout="", stderr="connection refused"),
    )


@pytest.mark.parametrize("text", ["<html>Log in</html>", "[]", "{}", '{"resources": [{"kind": "Widget"}]}', ""])
def test_page_of_a_proxy_refuses_no_custom_resource(text: str) -> None:
    require(
        [manifest("example.com/v1", "Widget")],
        lambda *arguments: subprocess.CompletedProcess(arguments, 0, stdout=text, stderr=""),
    )


@pytest.mark.parametrize(
    ("version", "kind", "path", "remedy"),
    [
        ("batch/v2", "CronJob", "/apis/batch/v2", "use batch/v1"),
        ("v1", "Deployment", "/api/v1", "use apps/v1"),
        ("apps/v1", "Deploy", "/apis/apps/v1", "did you mean Deployment?"),
        ("policy/v7", "Foo", "/apis/policy/v7", "use one that 'kubectl api-resources' lists"),
    ],
)
def test_kind_of_kubernetes_that_is_not_known_here_is_asked_of_the_cluster(
    version: str, kind: str, path: str, remedy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers: list[subprocess.CompletedProcess[str]] = []
    warned: list[str] = []
    monkeypatch.setattr(pulumi.log, "warn", warned.append)

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        if arguments[0] == "config":
            return subprocess.CompletedProcess(arguments, 0, stdout="https://here:6443", stderr="")
        assert arguments == ("get", "--raw", path)
        return answers.pop()

    there = {"resources": [{"name": "things", "kind": kind, "namespaced": True}]}
    answers.append(subprocess.CompletedProcess((), 0, stdout=json.dumps(there), stderr=""))
    require([manifest(version, kind)], run)
    assert warned == []
    answers.append(subprocess.CompletedProcess((), 0, stdout=json.dumps({"resources": []}), stderr=""))
    with pytest.raises(pulumi.RunError) as refused:
        require([manifest(version, kind)], run)
    assert f"crds.yml:3 is a {kind} of {version}, which this cluster does not have; {remedy}" in str(refused.value)
    answers.append(subprocess.CompletedProcess((), 1, stdout="", stderr="connection refused"))
    require([manifest(version, kind)], run)
    assert warned == [
        f"crds.yml:3 is a {kind} of {version}, which Kubernetes 1.35 does not have; whether this cluster has it is not "
        "known"
    ]
