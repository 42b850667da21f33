"""Where `kubectl get --raw` is led: kubectl before 1.34 asks at the root of the kubeconfig's server."""

import json
import subprocess
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from components.cluster.kubectl import errors, get_raw, is_answer, is_unknown_user, reason_of

RANCHER = "https://rancher.example.org/k8s/clusters/c-abc"


def asked(server: str, version: str) -> str:
    """The path that kubectl of this version is given for `/apis/apps/v1`."""
    paths: list[str] = []

    def run(*arguments: str, **how: Any) -> subprocess.CompletedProcess[str]:
        assert how == {"seconds": 3}
        text = ""
        if "view" in arguments:
            text = server
        elif arguments[0] == "version":
            text = version
        else:
            assert arguments[:3] == ("--kubeconfig=job", "get", "--raw")
            paths.append(arguments[3])
        return subprocess.CompletedProcess(arguments, 0, stdout=text, stderr="")

    get_raw("/apis/apps/v1", "--kubeconfig=job", run=run, seconds=3)
    (path,) = paths
    return path


def version(major: str, minor: str) -> str:
    return json.dumps({"clientVersion": {"major": major, "minor": minor, "gitVersion": f"v{major}.{minor}.0"}})


@pytest.mark.parametrize(
    ("server", "of_kubectl", "path"),
    [
        # client-go: rest/request.go, RequestURI, of 0.33 and 0.35.
        (RANCHER, version("1", "33"), "/k8s/clusters/c-abc/apis/apps/v1"),
        (f"{RANCHER}/", version("1", "28+"), "/k8s/clusters/c-abc/apis/apps/v1"),
        (RANCHER, version("1", "34"), "/apis/apps/v1"),
        (RANCHER, version("2", "0"), "/apis/apps/v1"),
        (RANCHER, "no JSON", "/apis/apps/v1"),
        (RANCHER, "[]", "/apis/apps/v1"),
        ("https://10.0.0.1:6443", version("1", "33"), "/apis/apps/v1"),
        ("https://10.0.0.1:6443/", version("1", "33"), "/apis/apps/v1"),
        ("localhost:8080", version("1", "33"), "/apis/apps/v1"),
        ("", version("1", "33"), "/apis/apps/v1"),
    ],
)
def test_a_raw_request_goes_below_the_path_of_the_server(server: str, of_kubectl: str, path: str) -> None:
    assert asked(server, of_kubectl) == path


def views(*requests: tuple[str, Mapping[str, str]], code: int = 0) -> int:
    """How often kubectl is asked for a server's address by requests with a flag and an environment, all at once."""
    asked: list[str] = []

    def run(*arguments: str, **_: Any) -> subprocess.CompletedProcess[str]:
        if "view" in arguments:
            asked.append(arguments[0])
            return subprocess.CompletedProcess(arguments, code, stdout="" if code else RANCHER, stderr="")
        return subprocess.CompletedProcess(arguments, 0, stdout=version("1", "33"), stderr="")

    with ThreadPoolExecutor(len(requests)) as pool:
        list(pool.map(lambda request: get_raw("/api", request[0], run=run, environment=request[1]), requests))
    return len(asked)


def test_a_run_asks_once_for_the_server_of_each_kubeconfig() -> None:
    own, other = {"KUBECONFIG": "own"}, {"KUBECONFIG": "other"}
    assert views(*[("--v=0", own)] * 4) == 1
    assert views(("--v=0", own), ("--v=0", other), ("--kubeconfig=job", own)) == 3


def test_a_server_that_kubectl_could_not_name_is_asked_for_again() -> None:
    assert views(*[("--v=0", {"KUBECONFIG": "own"})] * 2, code=1) == 2


REFUSAL = 'Error from server (Forbidden): namespaces "kube-system" is forbidden: User "robot" cannot get resource'
WARNING = "Warning: v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"
LOG = "E1126 10:00:00.000000     123 memcache.go:287] couldn't get resource list for metrics.k8s.io/v1beta1"
PLUGIN = "WARNING: the gcp auth plugin is deprecated"


def failed(*lines: str) -> subprocess.CompletedProcess[str]:
    return subprocess.CompletedProcess((), 1, stdout="", stderr="".join(f"{line}\n" for line in lines))


@pytest.mark.parametrize("aside", [WARNING, LOG, PLUGIN, ""])
def test_lines_beside_an_error_of_kubectl_are_not_why_it_has_failed(aside: str) -> None:
    for lines in ((REFUSAL, aside), (aside, REFUSAL)):
        assert errors(failed(*lines).stderr) == [REFUSAL]
        assert is_answer(failed(*lines))
        assert reason_of(failed(*lines)) == REFUSAL
    unknown = failed("error: You must be logged in to the server (Unauthorized)", aside)
    assert is_unknown_user(unknown)
    assert is_answer(unknown)
    assert reason_of(failed("Unable to connect to the server: no route to host", aside)) == "no route to host"
    refused = "The connection to the server localhost:8080 was refused - did you specify the right host or port?"
    assert reason_of(failed(refused, aside)) == "Connection refused"


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (["Error in configuration: ", "* unable to read client-cert a.pem"], "* unable to read client-cert a.pem"),
        (["error: resource mapping not found", "ensure CRDs are installed first"], "resource mapping not found"),
        (["of a form of its own", WARNING], "of a form of its own"),
        ([LOG], LOG),
        ([], "kubectl failed"),
    ],
)
def test_reason_of_a_failure_is_the_last_line_that_may_be_an_error(lines: list[str], reason: str) -> None:
    assert reason_of(failed(*lines)) == reason
    assert not is_answer(failed(*lines))
