from components.docker_app.drift import differences, taken_name
from components.docker_app.listed_container import ListedContainer
from components.outputs import DockerHostOutput

OWNER = "gitlab-deploy/prod/web-prod"
ROUTE = {"traefik.enable": "true", "traefik.http.routers.x.rule": "Host(`blog.example.org`)"}


def container(name: str, owner: str = "", id_: str = "b" * 64, **labels: str) -> ListedContainer:
    return ListedContainer(id=id_, name=name, labels=labels | ({"gitlab-deploy.stack": owner} if owner else {}))


OWN = container("app-container-0123abc", OWNER, "a" * 64, **ROUTE)
KNOWN: DockerHostOutput[str] = {
    "address": "ssh://deploy@host",
    "hostKey": "",
    "owner": OWNER,
    "image": "blog:1",
    "container": OWN.name,
    "id": OWN.id,
}


def found(*present: ListedContainer, known: DockerHostOutput[str] | None = KNOWN) -> list[str]:
    return differences(present, owner=OWNER, prefix="app-container", host="blog.example.org", known=known)


def test_the_stacks_own_container_is_no_difference() -> None:
    assert found(OWN) == []
    assert found(OWN, container("other")) == []


def test_container_of_a_run_that_failed_later_is_the_stacks_own() -> None:
    assert found(container("app-container-4567def", OWNER, **ROUTE)) == []
    assert found(OWN, known=None) == []


def test_second_container_of_a_run_that_did_not_end_is_named() -> None:
    [difference] = found(OWN, container("app-container-4567def", OWNER, **ROUTE))
    assert difference.startswith("the container app-container-4567def is of a run that did not succeed")
    assert "'docker rm --force app-container-4567def'" in difference


def test_container_of_a_fixed_name_is_the_stacks_own_before_any_run_succeeded() -> None:
    fixed = container("web-prod", OWNER)
    assert differences([fixed], owner=OWNER, prefix="web-prod", host=None, known=None) == []


def test_container_created_anew_under_the_same_name_is_named() -> None:
    [difference] = found(container(OWN.name, OWNER, **ROUTE))
    assert difference.startswith("the container app-container-0123abc was created anew by hand")
    assert "'pulumi up --refresh' starts the stack's own beside it, then remove it" in difference


def test_container_with_the_stacks_label_created_by_hand_is_named() -> None:
    [difference] = found(OWN, container("byhand", OWNER, **ROUTE))
    assert difference.startswith("the container byhand has this stack's label, but was created by hand")
    assert "'docker rm --force byhand'" in difference


def test_container_with_the_same_route_is_named() -> None:
    [difference] = found(OWN, container("rival", **ROUTE))
    assert difference.startswith("the container rival has a route for blog.example.org too")


def test_container_that_does_not_exist_any_more_is_named() -> None:
    [difference] = found()
    assert difference.startswith("the container app-container-0123abc, which this stack created, does not exist any")
    assert found(known=None) == []


def test_text_in_a_label_of_a_stranger_makes_no_difference() -> None:
    forged = f"\n{'f' * 64}\tshop\t{OWNER}\tHost(`blog.example.org`)"
    assert found(OWN, container("stranger", note=forged)) == []


def test_fixed_name_is_taken_by_a_stranger_only() -> None:
    problem = taken_name([OWN, container("web-prod")], owner=OWNER, name="web-prod")
    assert problem
    assert problem.startswith("The name web-prod is taken by a container that this stack did not create; remove it")
    assert taken_name([container("web-prod", OWNER)], owner=OWNER, name="web-prod") is None
