"""What a CI job's stack, the application alone, asks of each server: counted there, since a clock shows nothing."""

import json
import os
from collections import Counter
from collections.abc import Iterator

import pytest

from sandbox.instance import Instance
from tests.support.cluster import REPOSITORY, Stack, committed, kubectl
from tests.support.counts import Servers
from tests.support.started import Started

NAMESPACE = "counted"
READ = Counter(
    # By one kubectl: what exists of the stack's own, and where it is.
    {"get kube-system": 1, "get counted": 1, "get web": 4}
    # By the provider, which has to know the cluster's types.
    | {"get version": 1, "get v2": 1}
)
"""Whatever the run changes."""


@pytest.fixture(scope="module")
def started(instance: Instance, tmp_path_factory: pytest.TempPathFactory) -> Started:
    return Started(tmp_path_factory.mktemp("started"), os.environ | instance.environment())


@pytest.fixture(scope="module")
def application(
    instance: Instance, images: dict[str, str], started: Started, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    """The application in a namespace with a pull secret, neither of which is this stack's."""
    assert images
    user, password = instance.gitlab.credentials
    login = {"auths": {"registry.sandbox.test": {"username": user, "password": password}}}
    folder = tmp_path_factory.mktemp("counted")
    secret = folder / "login.json"
    secret.write_text(json.dumps(login))
    kubectl(instance, "create", "namespace", NAMESPACE)
    docker = ("--type", "kubernetes.io/dockerconfigjson", f"--from-file=.dockerconfigjson={secret}")
    kubectl(instance, "create", "secret", "generic", "registry", "-n", NAMESPACE, *docker)
    keys = committed()
    config = {key: keys[key] for key in ("cluster", "image", "app", "kubernetes")}
    config["kubernetes"] |= {"namespace": NAMESPACE, "pullSecret": "registry"}
    stack = Stack(instance, folder, started.environment, "ci", config)
    stack.up()
    yield stack
    stack.destroy()
    kubectl(instance, "delete", "namespace", NAMESPACE, "--wait=false")


def test_a_preview_of_nothing_reads_each_object_once_and_asks_no_other_server(
    application: Stack, started: Started
) -> None:
    # What kubectl keeps of the cluster's types is there after the first `up`.
    with Servers(application.instance).counted() as asked, started.counted() as processes:
        assert application.summary("--expect-no-changes") == {}
    assert processes == {"kubectl get --filename": 1}
    assert asked.kinds() == READ
    assert asked.gitlab == []
    assert (asked.registry, asked.connections) == (0, 0)


def test_an_image_only_up_asks_gitlab_nothing_and_watches_in_place_of_polling(
    application: Stack, started: Started
) -> None:
    application.set("image", f"{REPOSITORY}:2.0.0")
    with Servers(application.instance).counted() as asked, started.counted() as processes:
        application.up()
    assert asked.gitlab == []
    assert asked.connections == 0
    found = asked.kinds()
    # Of each kind, as often as the rollout was looked at: first, last, and once in two seconds.
    listed = {f"list {kind}" for kind in ("deployments", "replicasets", "pods", "endpointslices")}
    looks = found["list deployments"]
    assert {found[kind] for kind in listed} == {looks}
    # A process for each look, and for the watch, which needs the path below which the server is.
    assert processes == {
        "kubectl get --filename": 1,
        "kubectl get": looks,
        "kubectl get --raw": 1,
        "kubectl config": 1,
    }
    # The provider looks for events, whether or not it waits.
    changes = Counter({"patch web": 2, "watch deployments": 1, "list events": 1, "watch events": 1})
    # It reads the Deployment once more than the look at the cluster has.
    assert (
        Counter({kind: found[kind] for kind in found if kind not in listed}) == READ + Counter({"get web": 1}) + changes
    )
