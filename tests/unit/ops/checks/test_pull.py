"""Whether both targets may pull the image, asked before they do."""

import base64
import json
import subprocess
import urllib.error
from dataclasses import replace
from email.message import Message
from typing import Any

import pytest

from components.docker_app.remote_docker import ApiAnswer, RemoteDocker
from components.image.reference import ImageReference
from components.image.registry import Repository
from components.settings import settings
from components.settings.registry import Registry
from components.settings.settings import Settings
from ops import cli
from ops.checks import pull
from tests.support.docker_double import HOST_KEY, DockerDouble, done

IMAGE = ImageReference.parse("registry.example.com/group/blog:1.0.0")
HOST = {"address": "ssh://deploy@host", "hostKey": HOST_KEY, "host": "blog.example.org"}


def stack(**blocks: Any) -> Settings:
    keys = {"cluster": "prod", "gitlabProject": "group/blog", "image": str(IMAGE), "app": '{"port": 8080}'}
    keys |= {key: json.dumps(value) for key, value in blocks.items()}
    found, problems = settings.parse({f"gitlab-deploy:{key}": value for key, value in keys.items()})
    assert found, problems
    return found


DENIED = urllib.error.HTTPError("https://registry.example.com", 403, "denied", Message(), None)


@pytest.mark.parametrize(
    ("answer", "expected"), [(None, True), (DENIED, False), (OSError("no such host"), None)], ids=["good", "no", "away"]
)
def test_the_pull_secret_of_the_namespace_is_tried_at_the_registry(
    monkeypatch: pytest.MonkeyPatch, answer: Exception | None, *, expected: bool | None
) -> None:
    config = json.dumps({"auths": {"registry.example.com": {"auth": base64.b64encode(b"user:word").decode()}}})
    asked: list[str | None] = []

    def ask(repository: Repository, method: str, path: str) -> tuple[None, bytes]:
        asked.append(repository.login)
        assert (method, path) == ("HEAD", "manifests/1.0.0")
        if answer:
            raise answer
        return None, b""

    def run(*_: str) -> subprocess.CompletedProcess[str]:
        return done((), base64.b64encode(config.encode()).decode())

    monkeypatch.setattr(Repository, "ask", ask)
    monkeypatch.setattr(cli, "run", run)
    ((passed, text),) = pull.checks(stack(kubernetes={"namespace": "shop", "pullSecret": "pull"}), IMAGE, None)
    assert passed is expected
    assert f"the pull secret shop/pull reads {IMAGE}" in text
    assert ("could not be asked from here" in text) == (expected is None)
    assert asked == [base64.b64encode(b"user:word").decode()]
    assert "word" not in text


def test_the_pull_secret_that_the_stack_has_made_is_tried_too(monkeypatch: pytest.MonkeyPatch) -> None:
    config = json.dumps({"auths": {"registry.example.com": {"auth": base64.b64encode(b"user:word").decode()}}})
    made = {"gitlab-registry-stack": base64.b64encode(config.encode()).decode()}
    monkeypatch.setattr(cli, "run", lambda *command: done((), made.get(command[3], "")))
    monkeypatch.setattr(Repository, "ask", lambda *_: (None, b""))
    of = stack(kubernetes={"namespace": "shop"}, registry={"server": "registry.example.com"})
    ((passed, text),) = pull.checks(of, IMAGE, None)
    assert (passed, text) == (True, f"the pull secret shop/gitlab-registry-stack reads {IMAGE}")
    # Before the first run there is none.
    made.clear()
    assert list(pull.checks(of, IMAGE, None)) == []


def test_a_secret_that_may_not_be_read_is_no_check(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli, "run", lambda *_: done((), stderr="Forbidden", code=1))
    assert list(pull.checks(stack(kubernetes={"namespace": "shop", "pullSecret": "pull"}), IMAGE, None)) == []


def on_host(monkeypatch: pytest.MonkeyPatch, of: Settings, double: DockerDouble, password: str | None = None) -> Any:
    monkeypatch.setattr(RemoteDocker, "of", lambda _: double)
    return list(pull.checks(of, IMAGE, password))


def test_the_docker_host_asks_the_registry_with_the_stacks_own_login(monkeypatch: pytest.MonkeyPatch) -> None:
    login = Registry(server="registry.example.com", username="robot", password="canary")
    of = replace(stack(dockerHost=HOST), registry=login)
    good = DockerDouble(api=lambda *_: ApiAnswer(status=200, body="{}"))
    assert on_host(monkeypatch, of, good, "canary") == [(True, f"ssh://deploy@host may pull {IMAGE} as robot")]
    assert good.requests == [("GET", "/distribution/registry.example.com%2Fgroup%2Fblog%3A1.0.0/json")]
    bad = DockerDouble(api=lambda *_: ApiAnswer(status=403, body='{"message": "denied"}'))
    ((passed, text),) = on_host(monkeypatch, of, bad, "canary")
    assert passed is False
    assert "but: denied; see that the image is pushed" in text
    assert "canary" not in text


def test_without_a_login_of_the_stack_the_hosts_own_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    of = stack(dockerHost=HOST)
    assert on_host(monkeypatch, of, DockerDouble()) == [(True, f"ssh://deploy@host may pull {IMAGE}")]
    refused = DockerDouble(answer=lambda *arguments: done(arguments, stderr="unauthorized\n", code=1))
    ((passed, text),) = on_host(monkeypatch, of, refused)
    assert passed is False
    assert "but: unauthorized; add the block gitlab-deploy:registry" in text


def test_a_deploy_token_that_the_stack_is_to_make_is_no_check(monkeypatch: pytest.MonkeyPatch) -> None:
    double = DockerDouble()
    of = replace(stack(dockerHost=HOST), registry=Registry(server="registry.example.com", rotation="1"))
    assert on_host(monkeypatch, of, double) == []
    assert (double.commands, double.requests) == ([], [])


def test_one_of_several_pull_secrets_that_reads_the_image_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    def config(server: str) -> str:
        return json.dumps({"auths": {server: {"auth": base64.b64encode(b"user:word").decode()}}})

    secrets = {"pull": config("registry.example.com"), "hub": config("docker.io")}

    def run(*command: str) -> subprocess.CompletedProcess[str]:
        return done((), base64.b64encode(secrets[command[3]].encode()).decode())

    def ask(repository: Repository, *_: str) -> tuple[None, bytes]:
        if repository.login is None:
            raise DENIED
        return None, b""

    monkeypatch.setattr(Repository, "ask", ask)
    monkeypatch.setattr(cli, "run", run)
    block = {"namespace": "shop", "pullSecret": "hub", "pullSecrets": ["pull"]}
    assert [passed for passed, _ in pull.checks(stack(kubernetes=block), IMAGE, None)] == [True]
    del secrets["pull"]
    secrets["pull"] = config("registry.example.net")
    assert [passed for passed, _ in pull.checks(stack(kubernetes=block), IMAGE, None)] == [False, False]
