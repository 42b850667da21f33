import pytest

from components.docker_app.listed_container import ListedContainer, read_listing

OWNER = "gitlab-deploy/prod/web-prod"


def test_label_of_a_stranger_cannot_pass_for_another_container_or_owner() -> None:
    forged = f"x\n{'f' * 64}\tshop\t\t\nid\tweb,gitlab-deploy.stack={OWNER}"
    item = {"Id": "a" * 64, "Names": ["/stranger"], "Labels": {"note": forged, "a,gitlab-deploy.stack": OWNER}}
    [container] = read_listing([item])
    assert (container.name, container.owner) == ("stranger", "")


def test_owner_is_the_label_of_the_stack() -> None:
    [container] = read_listing([{"Id": "a", "Names": ["/web"], "Labels": {"gitlab-deploy.stack": OWNER}}])
    assert container.owner == OWNER


@pytest.mark.parametrize(
    ("names", "name"), [(["/shop/db", "/db"], "db"), (["/db", "/shop/db"], "db"), ([], ""), (None, "")]
)
def test_name_by_which_another_container_links_to_it_is_not_its_own(names: list[str] | None, name: str) -> None:
    [container] = read_listing([{"Id": "a", "Names": names, "Labels": None}])
    assert (container.name, container.labels) == (name, {})


@pytest.mark.parametrize(
    ("name", "container_id", "command"),
    [
        ("web-1.a_b", "a" * 64, "'docker rm --force web-1.a_b'"),
        ("x; rm -rf /", "a" * 64, f"'docker rm --force {'a' * 64}'"),
        ("-f", "a" * 12, "'docker rm --force aaaaaaaaaaaa'"),
        ("a\n", "$(x)", "'docker rm --force' and its id"),
    ],
)
def test_command_that_is_shown_holds_no_foreign_text(name: str, container_id: str, command: str) -> None:
    assert ListedContainer(id=container_id, name=name).removal == command


def test_name_is_shown_as_printable_text() -> None:
    assert ListedContainer(id="a", name="a\x1b[2Jb\nc").shown == "ab c"


def test_route_is_a_rule_of_a_router_for_the_host_name() -> None:
    rule = {"traefik.http.routers.x.rule": "Host(`blog.example.org`) && PathPrefix(`/a`)"}
    assert ListedContainer(id="a", name="a", labels=rule).routes("blog.example.org")
    assert not ListedContainer(id="a", name="a", labels=rule).routes("example.org")
    assert not ListedContainer(id="a", name="a", labels={"note": "Host(`blog.example.org`)"}).routes("blog.example.org")
