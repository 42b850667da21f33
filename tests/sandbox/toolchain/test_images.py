"""Images are the same for the same files, are built once, and are pushed to a registry that asks GitLab who may."""

import json
import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.gitlab.auth import REPORTER
from sandbox.gitlab.registry_auth import registry_settings
from sandbox.sandbox_error import SandboxError
from sandbox.toolchain.images import Credentials, File, Image, build
from tests.support.gitlab_double import GitLabDouble, new_token_text
from tests.support.programs import program
from tests.support.registry import Registry, serve

HELLO = "FROM scratch\nCOPY hello /srv/\nLABEL org.opencontainers.image.version=1.0.0\n"
FILES = {"hello": File(b"hello\n")}


def skopeo(*arguments: str) -> str:
    return subprocess.run(["skopeo", *arguments], capture_output=True, text=True, check=True).stdout


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    return build(HELLO, FILES, tmp_path_factory.mktemp("cache"))


@pytest.fixture
def guarded(own_double: GitLabDouble, tmp_path: Path) -> Iterator[Registry]:
    with serve(tmp_path, registry_settings(own_double.data, own_double.url)) as running:
        yield running


@pytest.fixture
def maintainer(own_double: GitLabDouble) -> Credentials:
    return Credentials("maintainer", own_double.token)


def test_the_same_files_give_the_same_image_whatever_their_times(image: Image, tmp_path: Path) -> None:
    source = tmp_path / "hello"
    source.write_bytes(b"hello\n")
    os.utime(source, (1_000, 1_000))
    assert build(HELLO, {"hello": File(source)}, tmp_path).digest == image.digest


@pytest.mark.parametrize(
    ("containerfile", "files"),
    [
        (HELLO, {"hello": File(b"other\n")}),
        (HELLO, {"hello": File(b"hello\n", 0o755)}),
        (HELLO.replace("1.0.0", "2.0.0"), FILES),
    ],
)
def test_another_content_mode_or_containerfile_gives_another_image(
    image: Image, tmp_path: Path, containerfile: str, files: dict[str, File]
) -> None:
    assert build(containerfile, files, tmp_path).digest != image.digest


def test_an_image_is_built_once_and_leaves_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = build(HELLO, FILES, tmp_path)
    assert [path.name for path in (tmp_path / "images").iterdir()] == [first.layout.name]
    program(tmp_path / "bin", "buildah", "exit 1")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    assert build(HELLO, FILES, tmp_path) == first


def test_a_build_that_fails_is_quoted_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match=r"^buildah fails: .*missing"):
        build("FROM scratch\nCOPY missing /\n", FILES, tmp_path)
    assert list((tmp_path / "images").iterdir()) == []


@pytest.mark.parametrize("missing", ["buildah", "skopeo"])
def test_a_missing_tool_is_named_with_its_package(
    image: Image, missing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SandboxError, match=rf"^{missing} is not on PATH: install the Debian package {missing} \(apt-"):
        build(HELLO, FILES, tmp_path) if missing == "buildah" else image.save("hello:1", tmp_path / "archive")


def test_a_pushed_image_has_its_own_digest_in_the_registry(image: Image, registry: Registry) -> None:
    digest = image.push(registry.address, "group/hello:1")
    seen = json.loads(skopeo("inspect", "--tls-verify=false", f"docker://{registry.address}/group/hello:1"))
    assert seen["Digest"] == digest == image.digest
    assert seen["Labels"]["org.opencontainers.image.version"] == "1.0.0"


def test_a_saved_image_has_its_name(image: Image, tmp_path: Path) -> None:
    for _ in range(2):
        image.save("localhost/hello:1", tmp_path / "archive")
    assert "1.0.0" in skopeo("inspect", f"docker-archive:{tmp_path / 'archive'}:localhost/hello:1")


def test_a_registry_that_does_not_answer_is_named(image: Image) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    with pytest.raises(SandboxError, match=rf"^skopeo fails: .*{address}.*connection refused"):
        image.push(address, "group/hello:1")


def test_credentials_are_shown_nowhere(
    image: Image, own_double: GitLabDouble, guarded: Registry, maintainer: Credentials
) -> None:
    assert image.push(guarded.address, "group/blog:1", maintainer) == image.digest
    assert guarded.blobs()
    assert repr(maintainer) == "Credentials(user='maintainer')"
    for log in (own_double.log(), guarded.log.read_text()):
        assert own_double.token not in log
        # How every token that GitLab signs begins.
        assert "eyJ" not in log


def test_a_wrong_token_is_refused_and_shown_nowhere(image: Image, own_double: GitLabDouble, guarded: Registry) -> None:
    wrong = Credentials("maintainer", new_token_text())
    with pytest.raises(SandboxError, match=r"^skopeo fails: .*(unauthorized|Access denied|authentication)") as refused:
        image.push(guarded.address, "group/blog:1", wrong)
    for shown in (str(refused.value), own_double.log(), guarded.log.read_text()):
        assert wrong.password not in shown
    assert not guarded.blobs()


def test_who_may_not_push_is_refused(image: Image, own_double: GitLabDouble, guarded: Registry) -> None:
    reporter = Credentials("reporter", own_double.new_token(REPORTER))
    for user in (reporter, None):
        with pytest.raises(SandboxError, match=r"^skopeo fails: .*(denied|Forbidden|unauthorized)"):
            image.push(guarded.address, "group/blog:1", user)
    assert not guarded.blobs()
