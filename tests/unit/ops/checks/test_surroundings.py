"""What is around a stack before it runs."""

import json
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from types import SimpleNamespace
from typing import Any

import pytest

from components.cluster.ownership import STACK_ID
from components.docker_app.entrance import Answer
from components.docker_app.remote_docker import RemoteDocker
from components.settings import settings
from components.settings.settings import Settings
from components.stack_state import StateResource
from ops import cli
from ops.adopt import variables
from ops.checks import surroundings
from ops.ops_error import OpsError
from tests.support.docker_double import DockerDouble, done
from tests.unit.ops.checks.test_pull import HOST, stack

ACCESS = {"namespace": "shop", "serviceAccount": "robot", "server": "https://k8s:6443"}


def with_access() -> Settings:
    keys = {"cluster": "prod", "gitlabProject": "group/blog", "access": json.dumps(ACCESS)}
    found, problems = settings.parse({f"gitlab-deploy:{key}": value for key, value in keys.items()})
    assert found, problems
    return found


@pytest.fixture
def printed(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What pulumi and kubectl print, as JSON."""
    given: dict[str, Any] = {"code": 0, "answer": []}
    monkeypatch.setattr(cli, "run", lambda *_: done((), json.dumps(given["answer"]), code=given["code"]))
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.delenv("PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION", raising=False)
    return given


def test_a_plugin_that_is_there_or_can_be_downloaded_or_neither(
    printed: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    of, wanted = stack(dockerHost=HOST), version("pulumi-docker")
    assert list(surroundings.plugins(of)) == [
        (None, f"plugin docker {wanted} is missing; the first run downloads it, as 'pulumi install' does")
    ]
    monkeypatch.setenv("PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION", "true")
    ((passed, text),) = surroundings.plugins(of)
    assert passed is False
    assert "run 'pulumi install'" in text
    printed["answer"] = [{"name": "docker", "kind": "resource", "version": wanted}]
    assert list(surroundings.plugins(of)) == [(True, f"plugin docker {wanted}")]


def test_variables_of_others_are_refused_before_gitlab_does(monkeypatch: pytest.MonkeyPatch) -> None:
    there: list[Any] = [
        SimpleNamespace(key="KUBECONFIG", environment_scope="*", value="canary"),
        SimpleNamespace(key="KUBE_TOKEN", environment_scope="staging", value="canary"),
    ]
    monkeypatch.setattr(variables, "fetch", lambda *_: variables.Variables(by_project={"group/blog": there}))
    of = with_access()
    ((passed, text),) = surroundings.taken_variables(of, "token", ())
    assert passed is False
    assert text.startswith("the variable KUBECONFIG (scope *) of group/blog exists, and is not this stack's")
    assert "canary" not in text
    own = StateResource(type="x", id="group/blog:KUBECONFIG:*")
    assert list(surroundings.taken_variables(of, "token", (own,))) == []

    def refuse(*_: object) -> None:
        raise OpsError("403")

    monkeypatch.setattr(variables, "fetch", refuse)
    assert list(surroundings.taken_variables(of, "token", ())) == []


def test_what_others_have_in_the_namespace_is_noted(printed: dict[str, Any]) -> None:
    def item(kind: str, name: str, **metadata: Any) -> dict[str, Any]:
        return {"kind": kind, "metadata": {"name": name, **metadata}}

    own = {"labels": {STACK_ID: "own"}}
    printed["answer"] = {
        "items": [
            item("Deployment", "web", **own),
            item("Deployment", "till"),
            item("Job", "made", ownerReferences=[{"kind": "CronJob"}]),
            *(item("Service", f"s{number}") for number in range(10)),
        ]
    }
    ((passed, text),) = surroundings.others("shop", "own")
    assert passed is None
    assert text.startswith("namespace shop also has Deployment till, Service s0, ")
    assert text.endswith("Service s8 and 1 more, which this stack leaves alone")
    printed["answer"] = {"items": [item("Deployment", "web", **own)]}
    assert list(surroundings.others("shop", "own")) == []
    printed["code"] = 1
    assert list(surroundings.others("shop", "own")) == []


def test_a_proxy_that_nobody_runs_is_a_failed_check(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = [Answer(status=404), Answer(reason="Connection refused")]
    monkeypatch.setattr(surroundings, "ask_from_host", lambda *_: answers.pop(0))
    target = stack(dockerHost=HOST).docker_host
    assert target
    where = "a reverse proxy answers at 127.0.0.1:443 of ssh://deploy@host"
    assert list(surroundings.proxy(target)) == [(True, where)]
    ((passed, text),) = surroundings.proxy(target)
    assert passed is False
    assert text.startswith(f"{where}, but: Connection refused; start it, or set gitlab-deploy:dockerHost.proxy")
    published = stack(
        dockerHost={key: value for key, value in HOST.items() if key != "host"} | {"publish": {"port": 80}}
    )
    assert published.docker_host
    assert list(surroundings.proxy(published.docker_host)) == []


@pytest.mark.parametrize(("behind", "problems"), [(0, 0), (50, 0), (3600, 1), (-3600, 1)])
def test_a_docker_host_with_another_time_is_a_failed_check(
    monkeypatch: pytest.MonkeyPatch, behind: int, problems: int
) -> None:
    shown = (datetime.now(UTC) - timedelta(seconds=behind)).isoformat()
    double = DockerDouble(answer=lambda *arguments: done(arguments, f"{shown}\n"))
    monkeypatch.setattr(RemoteDocker, "of", lambda _: double)
    target = stack(dockerHost=HOST).docker_host
    assert target
    found = list(surroundings.docker_clock(target))
    assert len(found) == problems
    assert all("clock differs by 3600 s from that of ssh://deploy@host; set it" in text for _, text in found)


def test_a_docker_host_that_does_not_tell_the_time_is_no_check(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RemoteDocker, "of", lambda _: DockerDouble())
    target = stack(dockerHost=HOST).docker_host
    assert target
    assert list(surroundings.docker_clock(target)) == []
