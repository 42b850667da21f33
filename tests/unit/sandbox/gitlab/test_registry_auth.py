"""The container registry's token endpoint: who may ask, and what the token says."""

import re
import stat
import time
from base64 import urlsafe_b64decode
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509 import load_pem_x509_certificate
from gitlab.v4.objects import Project

from sandbox.gitlab.registry_auth import key_pair, registry_settings
from sandbox.toolchain.images import Credentials
from tests.support.gitlab_double import GitLabDouble, new_token_text
from tests.support.registry_token import EVERYTHING, ask, basic, deploy_token, granted, opened


def access_denied(double: GitLabDouble) -> tuple[int, object]:
    text = (
        "HTTP Basic: Access denied. If a password was provided for Git authentication, the password was incorrect or "
        "you're required to use a token instead of a password. If a token was provided, it was either incorrect, "
        f"expired, or improperly scoped. See {double.url}/help/user/profile/account/"
        "two_factor_authentication_troubleshooting.md"
        "#error-http-basic-access-denied-if-a-password-was-provided-for-git-authentication-"
    )
    return 401, {"errors": [{"code": "UNAUTHORIZED", "message": text}]}


# The token


def test_the_token_says_who_may_do_what_until_when(double: GitLabDouble) -> None:
    before = int(time.time())
    maintainer = Credentials("maintainer", double.token)
    _, claims = opened(ask(double, maintainer, "repository:group/blog:pull,push"))
    assert re.fullmatch("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", claims.pop("jti"))
    issued = claims.pop("iat")
    assert before <= issued <= time.time()
    assert claims == {
        "iss": "gitlab-issuer",
        "aud": "container_registry",
        "sub": "maintainer",
        "nbf": issued - 5,
        "exp": issued + 300,
        "access": [{"type": "repository", "name": "group/blog", "actions": ["pull", "push"]}],
    }


def test_every_token_has_an_id_of_its_own(double: GitLabDouble) -> None:
    maintainer = Credentials("maintainer", double.token)
    assert len({opened(ask(double, maintainer))[1]["jti"] for _ in range(3)}) == 3


def test_the_token_is_signed_by_the_key_of_the_registrys_certificate(double: GitLabDouble) -> None:
    settings: Any = registry_settings(double.data, double.url)
    assert settings["token"] | {"rootcertbundle": ""} == {
        "realm": f"{double.url}/jwt/auth",
        "service": "container_registry",
        "issuer": "gitlab-issuer",
        "rootcertbundle": "",
    }
    certificate = load_pem_x509_certificate(Path(settings["token"]["rootcertbundle"]).read_bytes())
    reply = ask(double, Credentials("maintainer", double.token))
    header, _ = opened(reply)
    assert re.fullmatch("([A-Z2-7]{4}:){11}[A-Z2-7]{4}", header.pop("kid"))
    assert header == {"typ": "JWT", "alg": "RS256"}
    signed, _, signature = reply.json()["token"].rpartition(".")
    public = certificate.public_key()
    assert isinstance(public, RSAPublicKey)
    public.verify(urlsafe_b64decode(signature + "=="), signed.encode(), PKCS1v15(), SHA256())


def test_the_key_is_made_once_and_for_its_owner_alone(own_double: GitLabDouble) -> None:
    maintainer = Credentials("maintainer", own_double.token)
    first, _ = opened(ask(own_double, maintainer))
    files = key_pair(own_double.data)
    before = [path.read_bytes() for path in files]
    own_double.kill()
    own_double.start()
    assert opened(ask(own_double, maintainer))[0] == first
    assert [path.read_bytes() for path in key_pair(own_double.data)] == before
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    assert {stat.S_IMODE(path.parent.stat().st_mode) for path in files} == {0o700}


def test_a_pair_half_written_when_its_maker_died_is_made_again(tmp_path: Path) -> None:
    key, certificate = key_pair(tmp_path / "data")
    certificate.unlink()
    before = key.read_bytes()
    assert [path.exists() for path in key_pair(tmp_path / "data")] == [True, True]
    assert key.read_bytes() != before


def test_nothing_secret_is_logged(own_double: GitLabDouble) -> None:
    wrong = Credentials("maintainer", new_token_text())
    right = deploy_token(own_double.client().projects.get("group/blog"), "read_registry")
    for credentials in (wrong, right):
        ask(own_double, credentials, "repository:group/blog:pull")
    for text in (wrong.password, right.password, basic(right)["Authorization"], "eyJ"):
        assert text not in own_double.log()


# Who asks


def test_an_access_token_works_with_any_user_name(double: GitLabDouble) -> None:
    for name in ("maintainer", "nobody-at-all", ""):
        assert granted(double, Credentials(name, double.token), "group/blog") == EVERYTHING


@pytest.mark.parametrize("end", [{"expires_at": "2026-01-01"}, {"revoked": True}])
def test_an_access_token_that_is_dead_is_refused(double: GitLabDouble, end: dict[str, Any]) -> None:
    dead = Credentials("maintainer", double.new_token(**end))
    reply = ask(double, dead, "repository:group/blog:pull")
    assert (reply.status, reply.json()) == access_denied(double)


def test_a_wrong_token_is_refused_whatever_is_asked_for(double: GitLabDouble) -> None:
    for scopes in ([], ["repository:group/blog:pull"], ["repository:no/such:pull"]):
        reply = ask(double, Credentials("maintainer", new_token_text()), *scopes)
        assert (reply.status, reply.json()) == access_denied(double)


def test_a_deploy_token_works_with_its_own_user_name_alone(double: GitLabDouble, project: Project) -> None:
    path = project.path_with_namespace
    for token in (deploy_token(project, "read_registry"), deploy_token(project, "read_registry", username="puller")):
        assert granted(double, token, path) == ["pull"]
        for name in ("", "maintainer", token.user.upper()):
            reply = ask(double, Credentials(name, token.password), f"repository:{path}:pull")
            assert (reply.status, reply.json()) == access_denied(double)


def test_a_deploy_token_has_no_subject(double: GitLabDouble, project: Project) -> None:
    _, claims = opened(ask(double, deploy_token(project, "read_registry")))
    assert "sub" not in claims
    assert claims["access"] == []


def test_a_revoked_deploy_token_is_refused(double: GitLabDouble, project: Project) -> None:
    created = project.deploytokens.create({"name": "pull", "scopes": ["read_registry"]})
    token = Credentials(created.username, created.token)
    assert granted(double, token, project.path_with_namespace) == ["pull"]
    project.deploytokens.delete(created.id)
    assert ask(double, token, f"repository:{project.path_with_namespace}:pull").status == 401


def test_a_deploy_token_is_refused_from_the_moment_it_expires(double: GitLabDouble, project: Project) -> None:
    now = datetime.now(UTC)
    # Midnight is the only moment of today that is sure to be over, and tomorrow's the next that is not.
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    over = deploy_token(project, "read_registry", username="over", expires_at=today.isoformat())
    coming = deploy_token(project, "read_registry", expires_at=(now + timedelta(days=1)).isoformat())
    scope = f"repository:{project.path_with_namespace}:pull"
    assert (ask(double, over, scope).status, ask(double, coming, scope).status) == (401, 200)
    assert [token.expired for token in project.deploytokens.list(get_all=True)] == [False, False]


@pytest.mark.parametrize("text", ["", "!", "bm9jb2xvbg==", "/w==", "="])
def test_credentials_that_cannot_be_read_are_refused(double: GitLabDouble, text: str) -> None:
    reply = double.request("GET", "/jwt/auth?service=container_registry", headers={"Authorization": f"Basic {text}"})
    assert (reply.status, reply.json()) == access_denied(double)
