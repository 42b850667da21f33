import json
from collections.abc import Mapping

import pytest

from components import stack_state
from components.compose.host import HostState, examine
from components.compose.names import PROJECT_LABEL
from components.docker_app.leftovers import TYPE as CONTAINER
from components.docker_app.listed_container import ListedContainer
from components.docker_app.remote_docker import ApiAnswer
from components.outputs import ComposeOutput
from components.stack_state import StateResource
from tests.support.compose_files import read
from tests.support.docker_double import HOST_KEY, DockerDouble

TEXT = "services: {web: {image: IMAGE, volumes: ['data:/data']}}\nvolumes: {data: }\n"
OWN = {"gitlab-deploy.id": "own-id"}
KNOWN: ComposeOutput[str] = {
    "address": "ssh://deploy@host",
    "hostKey": HOST_KEY,
    "project": "blog",
    "image": "registry.example.com/group/blog:1.0.0",
    "hosts": [],
    "paths": {},
    "plain": [],
    "services": {"web": {"container": "blog-web-1", "id": "c1", "image": "i", "completes": False}},
    "volumes": ["blog_data"],
}


def found(
    *containers: ListedContainer,
    networks: Mapping[str, Mapping[str, str]] | None = None,
    volumes: Mapping[str, Mapping[str, str]] | None = None,
    known: ComposeOutput[str] | None = None,
    adopted: tuple[str, ...] = (),
) -> HostState:
    """What is found on a host with these containers, and networks and volumes by name with their labels."""

    def api(_method: str, path: str) -> ApiAnswer:
        made = {
            "/networks": [
                {"Id": f"n-{name}", "Name": name, "Labels": labels} for name, labels in (networks or {}).items()
            ],
            "/volumes": {
                "Volumes": [{"Name": name, "Labels": labels} for name, labels in (volumes or {}).items()] or None
            },
        }
        return ApiAnswer(status=200, body=json.dumps(made[path]))

    return examine(read(TEXT), DockerDouble(api=api), containers, identity="own-id", known=known, adopted=adopted)


def container(id_: str, **labels: str) -> ListedContainer:
    return ListedContainer(id=id_, name=f"name-{id_}", labels=labels)


@pytest.fixture(autouse=True)
def state(monkeypatch: pytest.MonkeyPatch) -> list[StateResource]:
    resources: list[StateResource] = []
    monkeypatch.setattr(stack_state, "read_resources", lambda: tuple(resources))
    return resources


def test_an_empty_host_has_nothing_in_the_way() -> None:
    assert found() == HostState(present=found().present)


def test_a_network_of_a_run_that_was_killed_is_taken_into_the_state() -> None:
    assert found(networks={"blog_default": OWN}).networks == {"blog_default": "n-blog_default"}
    theirs = found(networks={"blog_default": {PROJECT_LABEL: "blog"}})
    assert theirs.networks == {}
    assert len(theirs.taken) == 1
    adopted = found(networks={"blog_default": {PROJECT_LABEL: "blog"}}, adopted=("n-blog_default",))
    assert (adopted.networks, adopted.taken) == ({"blog_default": "n-blog_default"}, ())


def test_a_volume_that_was_taken_over_stays_the_stacks_own() -> None:
    volumes = {"blog_data": {PROJECT_LABEL: "blog"}}
    assert len(found(volumes=volumes).taken) == 1
    assert found(volumes=volumes, known=KNOWN).taken == ()
    assert found(volumes=volumes, adopted=("blog_data",)).taken == ()


def test_one_of_a_run_that_failed_is_known_by_the_state(state: list[StateResource]) -> None:
    volumes = {"blog_data": {PROJECT_LABEL: "blog"}}
    state.append(StateResource(type="docker:index/volume:Volume", id="blog_data"))
    assert found(volumes=volumes).taken == ()


def test_a_container_that_no_state_knows_is_a_leftover(state: list[StateResource]) -> None:
    killed, kept, other = container("c2", **OWN), container("c3", **OWN), container("c4")
    state.append(StateResource(type=CONTAINER, id="c3"))
    assert found(container("c1", **OWN), killed, kept, other, known=KNOWN).leftovers == (killed,)
    assert found(other, adopted=("c4",)).leftovers == (other,)


def test_another_name_of_the_project_is_refused_for_its_volumes() -> None:
    (problem,) = found(known={**KNOWN, "project": "shop"}).problems
    assert problem.startswith("The compose project was 'shop' and would be 'blog', with volumes of other names; set")


def test_a_host_that_was_not_asked_is_no_problem() -> None:
    state = examine(read(TEXT), DockerDouble(), None, identity="own-id", known=None)
    assert (state.present, state.problems) == (None, ())
