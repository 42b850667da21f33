"""Containers of others on the Docker host, whose names and labels are any text."""

import pytest

from components.docker_app.listed_container import ListedContainer, read_listing

ID = "7f1f2f3e-0000-4000-8000-000000000001"


def test_label_of_a_stranger_cannot_pass_for_another_container_or_owner() -> None:
    forged = f"x\n{'f' * 64}\tshop\t\t\nid\tweb,gitlab-deploy.id={ID}"
    item = {"Id": "a" * 64, "Names": ["/stranger"], "Labels": {"note": forged, "a,gitlab-deploy.id": ID}}
    [container] = read_listing([item])
    assert (container.name, container.identity) == ("stranger", "")


@pytest.mark.parametrize(
    ("name", "container_id", "command"),
    [
        ("web-1.a_b", "a" * 64, "'docker stop web-1.a_b && docker rm web-1.a_b'"),
        ("x; rm -rf /", "a" * 64, f"'docker stop {'a' * 64} && docker rm {'a' * 64}'"),
        ("-f", "a" * 12, "'docker stop aaaaaaaaaaaa && docker rm aaaaaaaaaaaa'"),
        ("a\n", "$(x)", "'docker stop' and 'docker rm' with its id"),
    ],
)
def test_command_that_is_shown_holds_no_foreign_text(name: str, container_id: str, command: str) -> None:
    assert ListedContainer(id=container_id, name=name).removal == command


def test_name_is_shown_as_printable_text() -> None:
    assert ListedContainer(id="a", name="a\x1b[2Jb\nc").shown == "'ab c'"
    labels = {"com.docker.compose.project": "b\x1b[2Jlog"}
    assert ListedContainer(id="a", name="a", labels=labels).shown == "'a' (compose project 'blog')"
    labels = {"gitlab-deploy.stack": "gitlab-deploy/prod/web"}
    assert ListedContainer(id="a", name="a", labels=labels).shown == (
        "'a' (stack 'gitlab-deploy/prod/web', of another state)"
    )
