from components.compose.present import Named, Present
from components.docker_app.listed_container import ListedContainer
from ops.adopt.compose import sort
from tests.support.compose_files import read

TEXT = """\
services:
  web: {image: IMAGE, labels: {traefik.http.routers.shop.rule: Host(`shop.example.org`)}}
  database: {image: "postgres:17", volumes: ["data:/data"]}
volumes: {data: }
"""
PROJECT = {"com.docker.compose.project": "blog"}


def container(name: str, service: str, **labels: str) -> ListedContainer:
    made = {**PROJECT, "com.docker.compose.service": service, **labels}
    return ListedContainer(id=f"id-{name}", name=name, labels=made)


def test_a_project_of_docker_compose_is_taken_over_whole() -> None:
    present = Present(
        containers=(container("blog-web-1", "web"), container("blog-database-1", "database")),
        networks={"blog_default": Named(id="n1", name="blog_default", labels=PROJECT | network("default"))},
        volumes={"blog_data": Named(id="blog_data", name="blog_data", labels=PROJECT | volume("data"))},
    )
    found = sort(read(TEXT), present, own_id="own-id", known=(), where="on host")
    assert found.ids == ("id-blog-web-1", "id-blog-database-1", "n1", "blog_data")
    assert found.obstacles == ()
    assert found.lines == (
        "container 'blog-web-1' (compose project 'blog'); the stack's own of web takes its place, once it serves",
        "container 'blog-database-1' (compose project 'blog'); the stack's own of database takes its place, which "
        "stops first",
        "network blog_default of compose project blog; the stack uses it",
        "volume blog_data of compose project blog; the stack uses it",
    )


def test_what_is_the_stacks_own_already_is_not_taken_over_again() -> None:
    own = container("blog-web-1", "web", **{"gitlab-deploy.id": "own-id"})
    assert sort(read(TEXT), Present(containers=(own,)), own_id="own-id", known=(), where="").ids == ()
    theirs = container("blog-web-1", "web")
    assert sort(read(TEXT), Present(containers=(theirs,)), own_id="own-id", known=[theirs.id], where="").ids == ()


def test_what_the_file_does_not_declare_is_in_the_way() -> None:
    present = Present(
        containers=(container("blog-cron-1", "cron"),),
        volumes={"blog_data": Named(id="blog_data", name="blog_data")},
    )
    found = sort(read(TEXT), present, own_id="own-id", known=(), where="on host")
    assert found.ids == ()
    assert [sentence.partition(" on host")[0] for sentence in found.obstacles] == [
        "The container 'blog-cron-1'",
        "The volume blog_data exists",
    ]


def network(key: str) -> dict[str, str]:
    return {"com.docker.compose.network": key}


def volume(key: str) -> dict[str, str]:
    return {"com.docker.compose.volume": key}
