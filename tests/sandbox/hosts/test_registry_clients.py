"""A real registry that trusts the double, and a real client: who is let in, and who is not."""

import hashlib
import json
import secrets
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from gitlab.v4.objects import Project

from sandbox.gitlab.registry_auth import registry_settings
from sandbox.gitlab.store import Store
from sandbox.toolchain.images import Credentials, File, Image, build
from tests.support.gitlab_double import GitLabDouble, add_project
from tests.support.registry import Registry, serve
from tests.support.registry_token import basic, deploy_token


@pytest.fixture(scope="module")
def image() -> Image:
    return build("FROM scratch\nCOPY hello /srv/\n", {"hello": File(b"hello\n")})


@pytest.fixture(scope="module")
def registry(double: GitLabDouble, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    with serve(tmp_path_factory.mktemp("registry"), registry_settings(double.data, double.url)) as running:
        yield running


class Client:
    """skopeo, which knows one user or none."""

    def __init__(self, registry: Registry, image: Image, folder: Path) -> None:
        self.registry = registry
        self.image = image
        self.folder = folder

    def copy(self, credentials: Credentials | None, *arguments: str) -> str:
        """Return what skopeo complains of; nothing where it is content."""
        auths = {self.registry.address: {"auth": basic(credentials)["Authorization"].split()[1]}} if credentials else {}
        file = self.folder / "auth.json"
        file.touch(mode=0o600)
        file.write_text(json.dumps({"auths": auths}))
        command = ["skopeo", "--insecure-policy", "copy", "--quiet", "--preserve-digests", "--authfile", str(file)]
        done = subprocess.run([*command, *arguments], capture_output=True, text=True, check=False)
        assert bool(done.returncode) == bool(done.stderr), done.stderr
        return done.stderr

    def push(self, credentials: Credentials | None, name: str) -> str:
        address = f"docker://{self.registry.address}/{name}"
        return self.copy(credentials, "--dest-tls-verify=false", f"oci:{self.image.layout}", address)

    def pull(self, credentials: Credentials | None, name: str) -> str:
        folder = self.folder / f"pulled-{secrets.token_hex(4)}"
        address = f"docker://{self.registry.address}/{name}"
        complaint = self.copy(credentials, "--src-tls-verify=false", address, f"dir:{folder}")
        manifest = hashlib.sha256((folder / "manifest.json").read_bytes()).hexdigest() if not complaint else ""
        assert complaint or self.image.digest == f"sha256:{manifest}"
        assert not complaint or not (folder / "manifest.json").exists()
        return complaint


@pytest.fixture
def client(registry: Registry, image: Image, tmp_path: Path) -> Client:
    return Client(registry, image, tmp_path)


@pytest.fixture
def pusher(maintainer: str) -> Credentials:
    """The Maintainer of every project here."""
    return Credentials("maintainer", maintainer)


@pytest.fixture
def pushed(registry: Registry, image: Image, pusher: Credentials, project: Project) -> str:
    """The name of an image in the registry of the project, pushed by its Maintainer."""
    image.push(registry.address, f"{project.path_with_namespace}:1", pusher)
    return f"{project.path_with_namespace}:1"


def test_a_maintainer_pushes_and_pulls(client: Client, pusher: Credentials, project_path: str) -> None:
    assert client.push(pusher, f"{project_path}/image:1") == ""
    assert client.pull(pusher, f"{project_path}/image:1") == ""
    assert client.pull(pusher, f"{project_path}/image@{client.image.digest}") == ""


def test_a_deploy_token_that_reads_pulls_and_does_not_push(client: Client, project: Project, pushed: str) -> None:
    token = deploy_token(project, "read_registry")
    assert client.pull(token, pushed) == ""
    assert "denied" in client.push(token, f"{project.path_with_namespace}:2")


def test_a_deploy_token_that_reads_and_writes_pushes(client: Client, project: Project) -> None:
    token = deploy_token(project, "read_registry", "write_registry")
    assert client.push(token, f"{project.path_with_namespace}:2") == ""
    assert client.pull(token, f"{project.path_with_namespace}:2") == ""


def test_a_deploy_token_no_longer_pulls_once_it_is_revoked(client: Client, project: Project, pushed: str) -> None:
    created = project.deploytokens.create({"name": "pull", "scopes": ["read_registry"]})
    token = Credentials(created.username, created.token)
    assert client.pull(token, pushed) == ""
    project.deploytokens.delete(created.id)
    assert "unauthorized" in client.pull(token, pushed)


def test_a_wrong_deploy_token_does_not_pull(client: Client, project: Project, pushed: str) -> None:
    token = deploy_token(project, "read_registry")
    wrong = Credentials(token.user, f"gldt-{secrets.token_urlsafe(15)}")
    assert "unauthorized" in client.pull(wrong, pushed)


def test_an_expired_deploy_token_does_not_pull(client: Client, project: Project, pushed: str) -> None:
    yesterday = (datetime.now(UTC) - timedelta(days=1)).isoformat()
    assert "unauthorized" in client.pull(deploy_token(project, "read_registry", expires_at=yesterday), pushed)


def test_a_deploy_token_of_another_project_does_not_pull(client: Client, double: GitLabDouble, pushed: str) -> None:
    other = double.client().projects.get("group/blog")
    assert "denied" in client.pull(deploy_token(other, "read_registry"), pushed)


def test_nobody_pulls_what_is_private(client: Client, pushed: str) -> None:
    assert "Forbidden" in client.pull(None, pushed)


def test_everybody_pulls_what_is_public(client: Client, pusher: Credentials, store: Store) -> None:
    path = add_project(store, f"group/public{secrets.token_hex(4)}", visibility="public").path
    assert client.push(pusher, f"{path}:1") == ""
    assert client.pull(None, f"{path}:1") == ""
    assert "denied" in client.push(None, f"{path}:2")
