import json
from typing import Any

import pulumi
import pytest

from components.image.config import ImageConfig, LoginNeededError, NoImageError
from components.image.reference import ImageReference
from components.kubernetes_app import image_check
from components.settings import settings
from components.settings.settings import Settings

IMAGE = "registry.example.com/group/blog:1.0.0"


def stack(**target: Any) -> Settings:
    keys = {
        "cluster": "prod",
        "image": IMAGE,
        "app": json.dumps({"port": 8080}),
        "kubernetes": json.dumps({"namespace": "shop", **target}),
    }
    found, problems = settings.parse({f"gitlab-deploy:{key}": value for key, value in keys.items()})
    assert found, problems
    return found


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The images that a registry was asked for."""
    images: list[str] = []

    def read(image: ImageReference, _: object) -> ImageConfig:
        images.append(str(image))
        return config("1000")

    monkeypatch.setattr(image_check, "read", read)
    return images


def check(stack: Settings, running: str | None, environment: dict[str, str]) -> None:
    image_check.require(image_check.look(stack, running, environment))


def config(user: str) -> ImageConfig:
    return ImageConfig(user=user, ports=frozenset({80}))


def use(monkeypatch: pytest.MonkeyPatch, found: ImageConfig | None) -> None:
    monkeypatch.setattr(image_check, "read", lambda *_: found)


@pytest.mark.parametrize(
    ("user", "said"),
    [
        ("", "runs as root, which no Pod of the standard 'restricted' may; use an unprivileged variant such as"),
        ("0", "or set kubernetes.runAsRoot in a namespace with access.podSecurity: baseline"),
        ("node", "runs as the user 'node', and Kubernetes can tell only by a number that it is not root; write the"),
    ],
)
def test_user_that_the_kubelet_would_refuse_is_one_sentence_with_the_way_out(
    monkeypatch: pytest.MonkeyPatch, user: str, said: str
) -> None:
    use(monkeypatch, config(user))
    with pytest.raises(pulumi.RunError) as raised:
        check(stack(), None, {})
    assert str(raised.value).startswith(f"Nothing was changed: {IMAGE} runs as ")
    assert said in str(raised.value)
    check(stack(runAsUser=1000), None, {})
    check(stack(runAsRoot=True), None, {})


def test_registry_that_does_not_say_is_no_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, None)
    check(stack(), None, {})


def test_image_that_runs_already_is_not_asked_for(asked: list[str]) -> None:
    check(stack(), IMAGE, {})
    assert asked == []
    check(stack(), "registry.example.com/group/blog:0.9.0", {})
    assert asked == [IMAGE]


def refuse(monkeypatch: pytest.MonkeyPatch, error: type[Exception], *, of: set[bool]) -> None:
    """Has the registry answer with an error to nobody (True), to who has an environment (False), or to both."""

    def read(_: ImageReference, environment: object) -> ImageConfig:
        if (environment is None) in of:
            raise error
        return config("1000")

    monkeypatch.setattr(image_check, "read", read)


def test_image_that_the_registry_does_not_have_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    refuse(monkeypatch, NoImageError, of={True, False})
    with pytest.raises(pulumi.RunError, match=f"{IMAGE} is not in its registry; push it first, or correct"):
        check(stack(), None, {})
    check(stack(), IMAGE, {})


def test_image_that_needs_a_login_is_refused_if_the_pods_have_none(monkeypatch: pytest.MonkeyPatch) -> None:
    # The developer has one.
    refuse(monkeypatch, LoginNeededError, of={True})
    with pytest.raises(pulumi.RunError, match="to nobody without a login, and the Pods have none; add the block"):
        check(stack(), None, {})
    for target in ({"pullSecret": "login"}, {"pullSecrets": ["login"]}, {"serviceAccount": "default"}):
        check(stack(**target), None, {})
    # What runs was pulled somehow.
    check(stack(), "registry.example.com/group/blog:0.9.0", {})


def test_login_of_this_machine_that_is_refused_says_nothing_of_the_pods(monkeypatch: pytest.MonkeyPatch) -> None:
    refuse(monkeypatch, LoginNeededError, of={True, False})
    check(stack(pullSecret="login"), None, {})


@pytest.mark.parametrize(
    "host",
    ["123456789012.dkr.ecr.eu-west-1.amazonaws.com", "europe-docker.pkg.dev", "eu.gcr.io", "team.azurecr.io"],
)
def test_registry_of_a_cloud_is_one_that_its_nodes_may_have_a_login_for(host: str) -> None:
    assert not image_check.pulls_as_nobody(stack(), ImageReference.parse(f"{host}/blog:1"), None)
    assert image_check.pulls_as_nobody(stack(), ImageReference.parse(f"{host}.example.org/blog:1"), None)


def test_port_that_the_image_does_not_name_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    warned: list[str] = []
    monkeypatch.setattr(pulumi.log, "warn", warned.append)
    use(monkeypatch, config("1000"))
    check(stack(), None, {})
    assert warned == ["The image says that it listens on port 80, and app.port is 8080"]
