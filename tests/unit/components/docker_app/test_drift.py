from components.docker_app.drift import Known, differences, taken
from components.docker_app.ssh import Container

OWNER = "gitlab-deploy/prod/web-prod"
ROUTE = "traefik.enable=true,traefik.http.routers.x.rule=Host(`blog.example.org`)"
OWN = Container("a" * 64, "app-container-0123abc", OWNER, ROUTE)
KNOWN = Known(OWN.id, OWN.name)


def found(*present: Container, known: Known | None = KNOWN) -> list[str]:
    return differences(present, owner=OWNER, prefix="app-container", host="blog.example.org", known=known)


def test_the_stacks_own_container_is_no_difference() -> None:
    assert found(OWN) == []
    assert found(OWN, Container("b" * 64, "other", "", "")) == []


def test_a_container_of_a_run_that_failed_later_is_the_stacks_own() -> None:
    assert found(Container("b" * 64, "app-container-4567def", OWNER, ROUTE)) == []
    assert found(OWN, known=None) == []


def test_a_container_of_a_fixed_name_is_the_stacks_own_before_any_run_succeeded() -> None:
    fixed = Container("b" * 64, "web-prod", OWNER, "")
    assert differences([fixed], owner=OWNER, prefix="web-prod", host=None, known=None) == []


def test_a_container_made_anew_under_the_same_name_is_named() -> None:
    [difference] = found(Container("b" * 64, OWN.name, OWNER, ROUTE))
    assert difference.startswith("the container app-container-0123abc was made anew by hand")
    assert "'pulumi up --refresh' starts the stack's own beside it, then remove it" in difference


def test_a_container_with_the_stacks_label_made_by_hand_is_named() -> None:
    [difference] = found(OWN, Container("b" * 64, "byhand", OWNER, ROUTE))
    assert difference.startswith("the container byhand has this stack's label, but was made by hand")
    assert "'docker rm --force byhand'" in difference


def test_a_container_with_the_same_route_is_named() -> None:
    [difference] = found(OWN, Container("b" * 64, "rival", "", ROUTE))
    assert difference.startswith("the container rival has a route for blog.example.org too")


def test_a_container_that_is_gone_is_named() -> None:
    [difference] = found()
    assert difference.startswith("the container app-container-0123abc, which this stack made, is gone")
    assert found(known=None) == []


def test_a_fixed_name_is_taken_by_a_stranger_only() -> None:
    stranger = Container("b" * 64, "web-prod", "", "")
    problem = taken([OWN, stranger], owner=OWNER, name="web-prod")
    assert problem
    assert problem.startswith("The name web-prod is taken by a container that this stack did not make; remove it with")
    assert taken([Container("b" * 64, "web-prod", OWNER, "")], owner=OWNER, name="web-prod") is None
