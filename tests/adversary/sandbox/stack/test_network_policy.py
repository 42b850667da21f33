"""What the NetworkPolicies of a stack let through on a real cluster, in both directions, and what they stop."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from sandbox.instance import Instance
from sandbox.machine.waiting import wait
from tests.support import pods
from tests.support.cluster import Deployed
from tests.support.pods import Pod

ETCD_METRICS, KUBELET, API_SERVER = 2381, 10250, 6443


@dataclass(frozen=True)
class Cluster:
    node: str
    gitlab: str
    registry: str
    """The one address that the stack lists in its egress."""
    site: Pod
    neighbour: Pod
    """Of the site's namespace, and not of the application."""
    outside: Pod
    """Of a namespace without a policy."""

    @property
    def services(self) -> list[tuple[str, int]]:
        """What runs beside the cluster's Pods, and none of their business."""
        ports = (ETCD_METRICS, KUBELET, API_SERVER)
        return [(self.gitlab, 80), *((self.node, port) for port in ports)]


@pytest.fixture(scope="module")
def cluster(instance: Instance, images: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    assert set(images) == {"1.0.0", "2.0.0"}
    stack = Deployed(instance, tmp_path_factory.mktemp("policies"), os.environ | instance.environment())
    registry, _, _ = instance.gitlab.registry.partition(":")
    # Everything here has a private address.
    stack.set("kubernetes.egress", f"[{registry}/32, internet]")
    stack.up()
    site: dict[str, Any] = stack.get("networkpolicy", "web")["spec"]["podSelector"]["matchLabels"]
    selector = ",".join(f"{key}={value}" for key, value in site.items())
    yield Cluster(
        node=instance.network.address("node"),
        gitlab=instance.network.address("gitlab"),
        registry=registry,
        site=pods.find(instance, stack.namespace, selector),
        neighbour=pods.idle(instance, stack.namespace, "neighbour"),
        outside=pods.idle(instance, "outside", "outside"),
    )
    pods.kubectl(instance, "delete", "namespace", "outside", "--wait=false")
    stack.destroy()


def test_pod_without_a_policy_reaches_everything_that_the_others_may_not(cluster: Cluster) -> None:
    assert [cluster.outside.reaches(*service) for service in cluster.services] == [True] * 4
    assert cluster.outside.reaches(cluster.registry, 80)


def test_default_deny_stops_everything_that_a_pod_sends(cluster: Cluster) -> None:
    # The firewall learns of a new Pod as it comes.
    assert wait(lambda: not cluster.neighbour.reaches(cluster.gitlab, 80), 30)
    with cluster.outside.listens(8080), cluster.outside.listens(53, "SOCK_DGRAM"):
        for service in (*cluster.services, (cluster.registry, 80), (cluster.outside.address, 8080)):
            assert not cluster.neighbour.reaches(*service), service
        assert not cluster.neighbour.reaches(cluster.site.address, 8080)
        assert not cluster.neighbour.reaches(cluster.outside.address, 53, "SOCK_DGRAM")


def test_default_deny_stops_everything_that_is_sent_to_a_pod(cluster: Cluster) -> None:
    with cluster.neighbour.listens(8080):
        assert wait(lambda: not cluster.outside.reaches(cluster.neighbour.address, 8080), 30)
        assert not cluster.site.reaches(cluster.neighbour.address, 8080)


def test_application_is_reached_at_its_port_alone(cluster: Cluster) -> None:
    assert cluster.outside.reaches(cluster.site.address, 8080)
    with cluster.site.listens(9999):
        assert not cluster.outside.reaches(cluster.site.address, 9999)


def test_application_reaches_dns_and_the_addresses_of_its_egress(cluster: Cluster) -> None:
    with cluster.outside.listens(53), cluster.outside.listens(53, "SOCK_DGRAM"):
        assert cluster.site.reaches(cluster.outside.address, 53)
        assert cluster.site.reaches(cluster.outside.address, 53, "SOCK_DGRAM")
    assert cluster.site.reaches(cluster.registry, 80)


def test_application_reaches_nothing_else(cluster: Cluster) -> None:
    with cluster.outside.listens(8080):
        for service in (*cluster.services, (cluster.outside.address, 8080)):
            assert not cluster.site.reaches(*service), service
