"""Pushing to a registry that asks GitLab who may."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.example import images as site
from sandbox.example.oci import Credentials, File, make_image, make_layer, push
from sandbox.gitlab.auth import REPORTER
from sandbox.gitlab.registry_auth import registry_settings
from sandbox.sandbox_error import SandboxError
from tests.support.gitlab_double import GitLabDouble, new_token_text
from tests.support.registry import Registry, serve

IMAGE = make_image([make_layer([File("srv/a", b"a")]), make_layer([File("srv/b", b"b")])], entrypoint=["/bin/serve"])


@pytest.fixture
def double(tmp_path: Path) -> Iterator[GitLabDouble]:
    running = GitLabDouble(tmp_path)
    yield running
    running.stop()


@pytest.fixture
def guarded(double: GitLabDouble, tmp_path: Path) -> Iterator[Registry]:
    with serve(tmp_path, registry_settings(double.data, double.url)) as running:
        yield running


def tokens_asked_for(double: GitLabDouble) -> int:
    return double.log().count("GET /jwt/auth 200\n")


def test_a_token_is_requested_if_the_registry_wants_one_and_kept_for_the_push(
    double: GitLabDouble, guarded: Registry
) -> None:
    maintainer = Credentials("maintainer", double.token)
    assert push(IMAGE, guarded.address, "group/blog", "1", maintainer) == IMAGE.manifest.digest
    # One to look, one to write.
    assert tokens_asked_for(double) == 2
    push(IMAGE, guarded.address, "group/blog", "1", maintainer)
    assert tokens_asked_for(double) == 3


def test_the_site_is_published_with_credentials(double: GitLabDouble, guarded: Registry) -> None:
    digests = site.publish(guarded.address, Credentials("maintainer", double.token))
    assert list(digests) == ["1.0.0", "2.0.0"]
    assert all(digest.removeprefix("sha256:") in str(list(guarded.files())) for digest in digests.values())


def test_a_wrong_token_is_refused_in_gitlabs_words_and_shown_nowhere(double: GitLabDouble, guarded: Registry) -> None:
    wrong = Credentials("maintainer", new_token_text())
    said = rf"^the token server of the registry, {double.url}/jwt/auth, answers 401 to user maintainer: .*Access denied"
    with pytest.raises(SandboxError, match=said) as refused:
        push(IMAGE, guarded.address, "group/blog", "1", wrong)
    assert repr(wrong) == "Credentials(user='maintainer')"
    for shown in (str(refused.value), double.log(), guarded.log.read_text()):
        assert wrong.password not in shown


def test_a_user_whose_role_is_too_low_is_refused_by_the_registry(double: GitLabDouble, guarded: Registry) -> None:
    reporter = Credentials("reporter", double.new_token(REPORTER))
    with pytest.raises(SandboxError, match=rf"^the registry at {guarded.address} answers 401 to POST /v2/group/blog/b"):
        push(IMAGE, guarded.address, "group/blog", "1", reporter)
    assert not guarded.files()


def test_nobody_is_refused(double: GitLabDouble, guarded: Registry) -> None:
    said = rf"^the token server of the registry, {double.url}/jwt/auth, answers 403 to nobody: .*access forbidden"
    with pytest.raises(SandboxError, match=said):
        push(IMAGE, guarded.address, "group/blog", "1")


def test_a_token_server_that_does_not_answer_is_named_with_the_remedy(double: GitLabDouble, guarded: Registry) -> None:
    double.stop()
    said = rf"^the token server of the registry, {double.url}/jwt/auth, does not answer \(.*refused\): start it, or"
    with pytest.raises(SandboxError, match=said):
        push(IMAGE, guarded.address, "group/blog", "1", Credentials("maintainer", double.token))


def test_nothing_secret_is_logged(double: GitLabDouble, guarded: Registry) -> None:
    push(IMAGE, guarded.address, "group/blog", "1", Credentials("maintainer", double.token))
    for log in (double.log(), guarded.log.read_text()):
        assert double.token not in log
        # How every token that GitLab signs begins.
        assert "eyJ" not in log
