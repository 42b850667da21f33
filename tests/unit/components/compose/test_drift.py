from typing import Any

import pytest

from components.compose.drift import differences
from components.compose.present import Present
from components.docker_app.listed_container import ListedContainer
from tests.support.compose_files import read, service

NAME = "a" * 64
PROJECT = read(service("volumes: ['kept:/kept']", rest="volumes: {kept: }"))


def listed(**fields: Any) -> ListedContainer:
    labels = {"com.docker.compose.service": "web"}
    return ListedContainer(**{"id": "c1", "name": "blog-web-1", "labels": labels, **fields})


def of(container: ListedContainer, *, completes: bool) -> list[str]:
    """What differs of the one container that the last run has made."""
    known: Any = {"services": {"web": {"container": "blog-web-1", "id": "c1", "completes": completes}}}
    return differences(Present(containers=(container,)), (), PROJECT, known, "own-id")


@pytest.mark.parametrize(("completes", "code", "count"), [(True, 0, 0), (True, 3, 1), (False, 0, 1)])
def test_what_has_done_its_work_is_as_it_should_be(*, completes: bool, code: int, count: int) -> None:
    found = of(listed(state="exited", exit_code=code), completes=completes)
    assert len(found) == count
    assert all("is stopped (exited), so nothing serves" in one for one in found)


@pytest.mark.parametrize(("state", "count"), [("running", 0), ("exited", 1)])
def test_what_a_failed_run_has_put_another_in_the_place_of_may_be_stopped(state: str, count: int) -> None:
    known: Any = {"services": {"web": {"container": "blog-web-1", "id": "c1", "completes": False}}}
    own = {"com.docker.compose.service": "web", "gitlab-deploy.id": "own-id"}
    both = (listed(state="exited"), listed(id="c2", name="blog-web-2", state=state, labels=own))
    assert len(differences(Present(containers=both), (), PROJECT, known, "own-id")) == count


def test_data_in_a_volume_without_a_name_is_said_to_stay_behind() -> None:
    taken_over = listed(unnamed={"/data": NAME, "/kept": "b" * 64})
    found = differences(Present(containers=(taken_over,)), (taken_over,), PROJECT, None, "own-id")
    assert len(found) == 2
    assert found[1].startswith("the container 'blog-web-1' has /data in a volume without a name, which the next one")
    assert found[1].endswith(f"that is declared with 'external: true' and 'name: {NAME}'")
    gone = listed(unnamed={"/data": NAME}, labels={"com.docker.compose.service": "other"})
    assert len(differences(Present(containers=(gone,)), (gone,), PROJECT, None, "own-id")) == 1
