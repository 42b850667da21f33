from components.docker_app.drift import differences
from components.docker_app.listed_container import ListedContainer
from components.outputs import DockerHostOutput

ID, HOST = "own-id", "blog.example.org"
ROUTE = {"traefik.enable": "true", "traefik.http.routers.x.rule": f"Host(`{HOST}`)"}
KNOWN: DockerHostOutput[str] = {
    "address": "ssh://deploy@host",
    "hostKey": "",
    "image": "blog:1",
    "container": "app-container-0123abc",
    "id": "a" * 64,
}


def container(name: str, identity: str = "", id_: str = "b" * 64, state: str = "running") -> ListedContainer:
    return ListedContainer(id=id_, name=name, labels=ROUTE | {"gitlab-deploy.id": identity}, state=state)


OWN = container(KNOWN["container"], ID, KNOWN["id"])


def found(
    *present: ListedContainer,
    leftovers: tuple[ListedContainer, ...] = (),
    known: DockerHostOutput[str] | None = KNOWN,
) -> list[str]:
    return differences(present, leftovers, identity=ID, hosts=(HOST,), known=known)


def test_the_stacks_own_container_is_no_difference() -> None:
    assert found(OWN) == []
    assert found(OWN, ListedContainer(id="c" * 64, name="other")) == []


def test_container_of_a_run_that_failed_later_is_the_stacks_own() -> None:
    assert found(container("app-container-4567def", ID)) == []
    assert found(OWN, known=None) == []


def test_container_that_the_state_does_not_know_is_named() -> None:
    left = container("app-container-4567def", ID)
    [difference] = found(OWN, left, leftovers=(left,))
    assert difference.startswith("the container 'app-container-4567def' (running) is this stack's and not in its state")
    assert "'pulumi up' removes it" in difference


def test_container_that_is_the_only_one_left_and_unknown_is_no_replacement() -> None:
    left = container("app-container-4567def", ID)
    assert [text.partition(",")[0] for text in found(left, leftovers=(left,))][1:] == [
        "the container 'app-container-0123abc'"
    ]


def test_own_container_that_does_not_serve_is_named_with_what_is_done() -> None:
    for state, words in (("exited", "'pulumi up' starts it"), ("paused", "unpauses it"), ("restarting", "crash-loops")):
        [difference] = found(container(OWN.name, ID, OWN.id, state))
        assert words in difference
    sick = ListedContainer(id=OWN.id, name=OWN.name, is_unhealthy=True)
    [difference] = found(sick)
    assert "is unhealthy" in difference
    assert f"'docker restart {OWN.name}'" in difference


def test_container_of_another_clone_with_a_part_of_the_route_is_named() -> None:
    [difference] = found(OWN, container("rival", "other-id"))
    assert difference.startswith(f"the container 'rival' has a route for {HOST} too")
    assert "'docker stop rival && docker rm rival'" in difference


def test_container_that_does_not_exist_any_more_is_named() -> None:
    [difference] = found()
    assert difference.startswith("the container 'app-container-0123abc', which this stack created, does not exist any")
    assert found(known=None) == []
