import asyncio
from typing import Any

import pulumi
import pytest

from components.compose.ending import end_old
from components.compose.present import Present
from components.docker_app.listed_container import ListedContainer
from components.docker_app.remote_docker import ApiAnswer, RemoteDockerError
from tests.support.compose_files import service
from tests.support.compose_project import args
from tests.support.docker_double import DockerDouble

NEW, OLD = "new", "old"


def listed(id_: str, state: str = "running", **labels: str) -> ListedContainer:
    own = {"com.docker.compose.service": "web", "gitlab-deploy.id": "own-id", **labels}
    return ListedContainer(id=id_, name=id_, state=state, labels=own)


@pytest.fixture(autouse=True)
def silent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulumi.log, "info", lambda *_, **__: None)


def ended(remote: DockerDouble, *containers: ListedContainer, **changes: Any) -> list[Any]:
    """The changes that are asked for, once the container NEW serves."""
    found = args(service("stop_grace_period: 7s"), remote=remote, present=Present(containers=containers), **changes)
    parent = pulumi.Resource.__new__(pulumi.Resource)
    assert asyncio.run(end_old(found, found.project.services["web"], parent, NEW)) == NEW
    return remote.requests


def test_the_container_before_is_stopped_with_its_grace_and_not_removed() -> None:
    assert ended(DockerDouble(), listed(NEW), listed(OLD)) == [("POST", "/containers/old/stop?t=7")]


@pytest.mark.parametrize(
    "other",
    [
        listed(OLD, "exited"),
        listed(OLD, **{"gitlab-deploy.id": "another"}),
        listed(OLD, **{"com.docker.compose.service": "worker"}),
    ],
)
def test_what_is_no_container_before_it_is_left_alone(other: ListedContainer) -> None:
    assert ended(DockerDouble(), other) == []


def test_what_the_run_removes_itself_is_not_stopped_here() -> None:
    assert ended(DockerDouble(), listed(OLD), leftovers=(listed(OLD),)) == []


def test_a_host_that_does_not_answer_leaves_it_to_the_engine() -> None:
    def fails(_method: str, _path: str) -> ApiAnswer:
        raise RemoteDockerError("the connection was lost")

    assert len(ended(DockerDouble(api=fails), listed(OLD))) == 1
