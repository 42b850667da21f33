"""Hosts and the machine are neighbours; the machine gets one interface and one route, and gives them back."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.machine import claim
from sandbox.machine.host import Host
from sandbox.machine.network import Network, connect, connected, disconnect

NewHost = Callable[[str], Host]

FORWARDING = Path("/proc/sys/net/ipv4/ip_forward")

PROBE = """
import socket, sys
try:
    socket.create_connection((sys.argv[1], 9), timeout=5)
except ConnectionRefusedError:
    print("reached")
except OSError as error:
    print(error)
"""


@pytest.fixture
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    """Addresses that nobody else on this machine has."""
    folder = tmp_path_factory.mktemp("claimant")
    network = Network(claim.claim(folder, 200))
    yield network
    disconnect(network)
    claim.release(folder)


def machine() -> tuple[list[str], list[str]]:
    """Interfaces and routes of the machine, but for those of other sandboxes, which come and go."""
    links = [link["ifname"] for link in listing("link") if not link["ifname"].startswith("gd")]
    routes = [route["dst"] for route in listing("route") if not route["dev"].startswith("gd")]
    return links, routes


def of_sandbox(network: Network) -> tuple[list[str], list[str]]:
    links = [link["ifname"] for link in listing("link") if link["ifname"] == network.interface]
    return links, [route["dst"] for route in listing("route") if route["dev"] == network.interface]


def listing(kind: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(
        subprocess.run(["ip", "-json", kind], capture_output=True, check=True).stdout
    )
    return found


def reaches(address: str, host: Host | None = None) -> bool:
    """Whether `address` answers, were it to say that nothing listens there."""
    probe = [sys.executable, "-c", PROBE, address]
    return (host.run(*probe) if host else subprocess.check_output(probe, text=True)) == "reached\n"


def test_the_machine_and_the_hosts_reach_each_other(network: Network, new_host: NewHost) -> None:
    lan, node, gitlab = (new_host(name) for name in ("lan", "node", "gitlab"))
    for host in (lan, node, gitlab):
        host.start()
    connect(network, lan, [node, gitlab])
    for source in (None, node, gitlab):
        for name in ("machine", "node", "gitlab"):
            assert reaches(network.address(name), source), (source and source.name, name)


def test_the_services_are_behind_the_node(network: Network, new_host: NewHost) -> None:
    lan, node, gitlab = (new_host(name) for name in ("lan", "node", "gitlab"))
    for host in (lan, node, gitlab):
        host.start()
    connect(network, lan, [node, gitlab])
    node.run("sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward")
    service = str(network.services[7])
    # As kube-proxy does for a Service that no pod is behind.
    node.run("iptables", "-A", "FORWARD", "-d", f"{service}/32", "-j", "REJECT")
    for source in (None, gitlab):
        assert reaches(service, source)


def test_the_machine_gets_one_interface_and_the_route_to_the_services(network: Network, new_host: NewHost) -> None:
    before, forwarding = machine(), FORWARDING.read_text()
    lan, node = new_host("lan"), new_host("node")
    lan.start()
    node.start()
    connect(network, lan, [node])
    connect(network, lan, [node])
    assert connected(network)
    assert of_sandbox(network) == ([network.interface], [str(network.lan), str(network.services)])
    assert (machine(), FORWARDING.read_text()) == (before, forwarding)
    disconnect(network)
    assert not connected(network)
    assert of_sandbox(network) == ([], [])
    assert machine() == before
    disconnect(network)


@pytest.mark.parametrize("restarted", ["lan", "node"])
def test_a_host_that_was_started_anew_is_plugged_in_again(network: Network, new_host: NewHost, restarted: str) -> None:
    hosts = {name: new_host(name) for name in ("lan", "node", "gitlab")}
    for host in hosts.values():
        host.start()
    others = [hosts["node"], hosts["gitlab"]]
    connect(network, hosts["lan"], others)
    assert reaches(network.address("node"), hosts["gitlab"])
    hosts[restarted].stop()
    hosts[restarted].start()
    connect(network, hosts["lan"], others)
    # At the first try: its neighbours know it by the hardware address that it had before, and need not find out.
    assert reaches(network.address("node"))
    assert reaches(network.address("node"), hosts["gitlab"])


def test_a_cable_that_was_laid_half_is_laid_again(network: Network, new_host: NewHost) -> None:
    lan, node = new_host("lan"), new_host("node")
    lan.start()
    node.start()
    lan.run("ip", "link", "add", "lan0", "type", "bridge")
    lan.run("ip", "link", "set", "lan0", "up")
    ends = [
        "name",
        "node",
        "netns",
        str(lan.init.pid),
        "type",
        "veth",
        "peer",
        "name",
        "eth0",
        "netns",
        str(node.init.pid),
    ]
    subprocess.run(["ip", "link", "add", *ends], check=True)
    connect(network, lan, [node])
    assert reaches(network.address("node"))
