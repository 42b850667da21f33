"""The digest behind a tag, asked of a real registry that trusts the double."""

import json
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path

import pytest
from gitlab.v4.objects import Project

from components.image import digest
from components.image.reference import ImageReference
from sandbox.gitlab.registry_auth import registry_settings
from sandbox.gitlab.store import Store
from sandbox.toolchain.images import Credentials, File, Image, build
from tests.support.answering import answering
from tests.support.gitlab_double import GitLabDouble, add_project
from tests.support.registry import Registry, serve
from tests.support.registry_token import basic, deploy_token


@pytest.fixture(scope="module")
def registry(double: GitLabDouble, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    with serve(tmp_path_factory.mktemp("registry"), registry_settings(double.data, double.url)) as running:
        yield running


@pytest.fixture
def image(registry: Registry, project: Project, maintainer: str) -> tuple[Image, str]:
    """An image of the project in the registry, and its reference by tag."""
    name = f"{project.path_with_namespace}:1.0.0"
    made = build("FROM scratch\nCOPY hello /srv/\n", {"hello": File(b"hello\n")})
    made.push(registry.address, name, Credentials("maintainer", maintainer))
    return made, f"{registry.address}/{name}"


def pinned(image: str, environment: Mapping[str, str]) -> str:
    return str(digest.pinned(ImageReference.parse(image), environment))


def docker(registry: Registry, credentials: Credentials, folder: Path) -> dict[str, str]:
    """The environment of a user whose Docker knows the registry."""
    login = {"auths": {registry.address: {"auth": basic(credentials)["Authorization"].split()[1]}}}
    (folder / "config.json").write_text(json.dumps(login))
    return {"DOCKER_CONFIG": str(folder)}


def test_tag_is_pinned_with_the_login_of_a_job_of_docker_or_of_its_file(
    registry: Registry, image: tuple[Image, str], project: Project, tmp_path: Path
) -> None:
    made, reference = image
    reader = deploy_token(project, "read_registry")
    job = {"CI_REGISTRY": registry.address, "CI_REGISTRY_USER": reader[0], "CI_REGISTRY_PASSWORD": reader[1]}
    file = docker(registry, reader, tmp_path)
    variable = {"DOCKER_AUTH_CONFIG": (tmp_path / "config.json").read_text()}
    environments: tuple[Mapping[str, str], ...] = (job, file, variable)
    assert {pinned(reference, environment) for environment in environments} == {f"{reference}@{made.digest}"}


def test_job_of_another_project_pins_a_tag_with_a_login_of_its_own_alone(
    registry: Registry, image: tuple[Image, str], project: Project, double: GitLabDouble, tmp_path: Path
) -> None:
    made, reference = image
    with closing(Store(double.data)) as store:
        other = add_project(store, f"{project.path_with_namespace}-program").path
    token = double.new_job_token(path=other)
    job = {"CI_REGISTRY": registry.address, "CI_REGISTRY_USER": "gitlab-ci-token", "CI_REGISTRY_PASSWORD": token}
    docker(registry, deploy_token(project, "read_registry"), tmp_path)
    login = (tmp_path / "config.json").read_text()
    assert pinned(reference, job) == reference
    assert pinned(reference, job | {"DOCKER_AUTH_CONFIG": login}) == f"{reference}@{made.digest}"
    # A file may be what another job left on the runner's machine.
    docker(registry, Credentials("somebody", "wrong-password"), tmp_path)
    own = {**job, "CI_REGISTRY_PASSWORD": double.new_job_token(path=project.path_with_namespace)}
    for more in ({"DOCKER_CONFIG": str(tmp_path)}, {"DOCKER_AUTH_CONFIG": '{"auths": {"registry.example.com": {}}}'}):
        assert pinned(reference, own | more) == f"{reference}@{made.digest}"


def test_tag_stays_a_tag_where_nobody_may_know(
    image: tuple[Image, str], registry: Registry, project: Project, tmp_path: Path
) -> None:
    _, reference = image
    wrong = docker(registry, Credentials("somebody", "wrong-password"), tmp_path)
    # A login that would do, but is another registry's: it is not sent here.
    user, password = deploy_token(project, "read_registry")
    elsewhere = {"CI_REGISTRY": "registry.example.com", "CI_REGISTRY_USER": user, "CI_REGISTRY_PASSWORD": password}
    for environment in ({}, wrong, elsewhere, {"DOCKER_AUTH_CONFIG": "no JSON"}):
        assert pinned(reference, {"HOME": str(tmp_path / "nobody")} | environment) == reference


def test_a_missing_tag_or_a_server_that_is_no_registry_leaves_the_image_unchanged(
    image: tuple[Image, str], registry: Registry, project: Project
) -> None:
    _, reference = image
    user, password = deploy_token(project, "read_registry")
    job = {"CI_REGISTRY": registry.address, "CI_REGISTRY_USER": user, "CI_REGISTRY_PASSWORD": password}
    missing = reference.replace("1.0.0", "9.9.9")
    assert pinned(missing, job) == missing
    with answering() as server:
        other = f"{server.removeprefix('http://')}/group/blog:1.0.0"
        assert pinned(other, {"HOME": "/nowhere"}) == other


@pytest.mark.parametrize(
    "reference",
    [
        "blog:1.0.0",
        "group/blog:1.0.0",
        "registry.invalid/group/blog:1.0.0",
        f"registry.invalid/group/blog:1.0.0@sha256:{'a' * 64}",
        f"registry.invalid/group/blog@sha256:{'a' * 64}",
    ],
)
def test_what_cannot_be_asked_for_or_need_not_be_stays(reference: str) -> None:
    assert pinned(reference, {"HOME": "/nowhere"}) == reference
