"""Secrets of the application on a real cluster: they reach the Pods, roll them and are rolled back."""

import base64
import os
import re
from collections.abc import Iterator

import pytest

from sandbox.instance import Instance
from tests.support.cluster import Deployed
from tests.support.docker_stack import Load
from tests.support.project import Run

NAMESPACE = "app-secrets"
FIRST, SECOND, BROKEN = (f"{what}-canary-5e1f90c7" for what in ("good-first", "good-second", "broken"))
HEALTHY = 'case "$API_KEY" in good-*) wget -q -O /dev/null http://127.0.0.1:8080/healthz;; *) exit 1;; esac'
"""The container's own check, which needs the right secret."""


@pytest.fixture(scope="module")
def deployed(
    instance: Instance, images: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployed]:
    """The committed stack on Kubernetes with a secret, on which the health of its Pods depends."""
    assert images
    folder = tmp_path_factory.mktemp("app-secrets")
    environment = os.environ | instance.environment()
    stack = Deployed(instance, folder, environment, NAMESPACE)
    stack.set("kubernetes.onFailure", "rollback")
    stack.edit(lambda config: config["gitlab-deploy:app"].update(health={"command": ["/bin/sh", "-c", HEALTHY]}))
    choose(stack, FIRST)
    stack.up()
    yield stack
    stack.destroy()


def choose(stack: Deployed, secret: str) -> None:
    done = stack.project.pulumi(
        "config", "set", "--secret", "--path", "gitlab-deploy:app.secrets.API_KEY", stdin=secret
    )
    assert done.code == 0, done.text


def in_pods(stack: Deployed, secret: str) -> bool:
    """Whether a container has the secret in its environment, which is compared inside of it."""
    check = ("/bin/sh", "-c", 'read -r expected && test "$API_KEY" = "$expected"')
    command = ("kubectl", "-n", NAMESPACE, "exec", "-i", "deployment/web", "--", *check)
    return stack.project.run(*command, stdin=f"{secret}\n").code == 0


def revealed(stack: Deployed) -> str:
    """What the Secret in the cluster holds."""
    run = stack.kubectl("-n", NAMESPACE, "get", "secret", "web-secrets", "-o", "jsonpath={.data.API_KEY}")
    # Asked for by the test, so no output of the product.
    stack.project.runs.remove(run)
    return base64.b64decode(run.stdout).decode()


def up(stack: Deployed) -> Run:
    return stack.project.pulumi("up", "--yes", "--skip-preview", "--diff")


def test_secret_reaches_the_pods_and_a_check_by_command_uses_it(deployed: Deployed) -> None:
    assert in_pods(deployed, FIRST)
    container = deployed.get("deployment", "web")["spec"]["template"]["spec"]["containers"][0]
    assert container["envFrom"] == [{"secretRef": {"name": "web-secrets"}}]
    assert container["readinessProbe"]["exec"]["command"] == ["/bin/sh", "-c", HEALTHY]
    assert deployed.summary("--expect-no-changes") == {}


def test_changed_secret_replaces_the_pods_while_the_site_serves(deployed: Deployed) -> None:
    choose(deployed, SECOND)
    assert deployed.summary() == {"update": ["app-secrets", "app-deployment"]}
    with Load(deployed.instance, rate=10, address=deployed.address()) as load:
        run = up(deployed)
    assert run.code == 0, run.text
    assert load.failed == []
    assert in_pods(deployed, SECOND)
    assert deployed.summary("--expect-no-changes") == {}


def test_pods_of_a_release_before_start_with_the_newest_secret(deployed: Deployed) -> None:
    target = ("deployment/web", "-n", NAMESPACE)
    assert deployed.kubectl("rollout", "undo", *target).code == 0
    status = deployed.kubectl("rollout", "status", *target, "--timeout=120s")
    assert status.code == 0, status.text
    assert in_pods(deployed, SECOND)
    deployed.up("--refresh")
    assert in_pods(deployed, SECOND)
    preview = deployed.project.pulumi("preview", "--expect-no-changes", "--refresh")
    assert preview.code == 0, preview.text


def test_secret_that_breaks_the_rollout_is_rolled_back_and_is_never_green(deployed: Deployed) -> None:
    deployed.set("kubernetes.waitSeconds", "20")
    choose(deployed, BROKEN)
    with Load(deployed.instance, rate=10, address=deployed.address()) as load:
        run = up(deployed)
    assert run.code != 0
    assert "its container runs and is not ready" in run.text
    assert "The Deployment was rolled back one revision. Fix the cause" in run.text
    assert load.failed == []
    # Nothing is left to change, and the image is the declared one.
    again = up(deployed)
    assert again.code != 0
    assert re.search(r"rolled back after the rollout of \S+ \(generation \d+\) had failed; change what", again.text)

    choose(deployed, SECOND)
    deployed.set("kubernetes.waitSeconds", "300")
    run = up(deployed)
    assert run.code == 0, run.text
    assert revealed(deployed) == SECOND
    assert in_pods(deployed, SECOND)
    assert deployed.summary("--expect-no-changes") == {}
