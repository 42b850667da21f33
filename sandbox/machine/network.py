"""The sandbox's network: a switch that every host is plugged into, and one cable from it to the machine.

The switch is in a host of its own (`lan`), so that the machine has neither a bridge nor a firewall rule for it, and a
machine that forwards nothing (Docker's policy) does not matter: it is a neighbour, not a router.
"""

import ipaddress
import json
import subprocess
from dataclasses import dataclass

from sandbox.machine.host import Host
from sandbox.sandbox_error import SandboxError

HOSTS = {"machine": 1, "node": 2, "gitlab": 3, "docker": 4, "registry": 5}
"""Last byte of each one's address in the sandbox's network."""


@dataclass(frozen=True)
class Network:
    """Addresses of the sandbox that has the number `index`."""

    index: int

    @property
    def lan(self) -> ipaddress.IPv4Network:
        """The hosts' and the machine's own."""
        return ipaddress.IPv4Network(f"10.213.{self.index}.0/24")

    @property
    def pods(self) -> ipaddress.IPv4Network:
        """The pods', inside the node."""
        return ipaddress.IPv4Network(f"10.214.{self.index}.0/24")

    @property
    def services(self) -> ipaddress.IPv4Network:
        """The Kubernetes Services'; the machine reaches them through the node."""
        return ipaddress.IPv4Network(f"10.215.{self.index}.0/24")

    @property
    def ranges(self) -> tuple[ipaddress.IPv4Network, ...]:
        """All of them."""
        return self.lan, self.pods, self.services

    @property
    def interface(self) -> str:
        """The machine's end of the cable."""
        return f"gd{self.index}"

    @property
    def cgroup(self) -> str:
        """The control groups of its pods, in every hierarchy."""
        return f"gitlab-deploy-{self.index}"

    def address(self, host: str) -> str:
        """The address of a host, or of the machine (a key of HOSTS)."""
        return str(self.lan[HOSTS[host]])

    def hardware_address(self, host: str) -> str:
        """The same for a host that was started anew: that its neighbours find out (ARP) would take 10 s and more."""
        return ":".join(f"{byte:02x}" for byte in (2, 0, *ipaddress.IPv4Address(self.address(host)).packed))


def connect(network: Network, lan: Host, hosts: list[Host]) -> None:
    """Plug the machine and the hosts into the switch, as far as they are not; route the Services' range to the node."""
    if _addresses(lan, "lan0") is None:
        lan.run("ip", "-batch", "-", stdin="link add lan0 type bridge forward_delay 0\nlink set lan0 up\n")
    for host in hosts:
        _plug(network, lan, host.name, "eth0", host)
    _plug(network, lan, "machine", network.interface, None)


def disconnect(network: Network) -> None:
    """Take the cable out of the machine, whose routes through it go along. If it does not exist nothing is done."""
    # The kernel removes it, too, when the switch ends: whoever is first. `connected` tells.
    subprocess.run(["ip", "link", "delete", network.interface], capture_output=True, check=False)


def connected(network: Network) -> bool:
    """Whether the machine has the cable's end."""
    return _addresses(None, network.interface) is not None


def _plug(network: Network, lan: Host, port: str, interface: str, host: Host | None) -> None:
    """Have a cable from the switch's `port` to `interface` of the host (None: the machine), with address and route."""
    address = network.address(port)
    if _addresses(lan, port) is None or address not in (_addresses(host, interface) or ()):
        # An end of a cable whose other end went with its host; the kernel may take it away at this moment.
        lan.run("sh", "-c", f"ip link delete {port} 2> /dev/null || true")
        _run(host, "sh", "-c", f"ip link delete {interface} 2> /dev/null || true")
        place = f"netns {host.init.pid}" if host else ""
        far_end = f"name {interface} address {network.hardware_address(port)} {place}".split()
        _run(None, "ip", "link", "add", "name", port, "netns", str(lan.init.pid), "type", "veth", "peer", *far_end)
        lan.run("ip", "link", "set", port, "master", "lan0", "up")
        _run(host, "ip", "address", "add", f"{address}/24", "dev", interface)
    _run(host, "ip", "link", "set", interface, "up")
    _run(host, "ip", "route", "replace", *_route(network, port, interface).split())


def _route(network: Network, host: str, interface: str) -> str:
    """To the Services. What kube-proxy does not pass on to a pod it refuses, if the node has a route for it at all."""
    node = network.address("node")
    return (
        f"{network.services} dev lo src {node}" if host == "node" else f"{network.services} via {node} dev {interface}"
    )


def _addresses(host: Host | None, interface: str) -> list[str] | None:
    """IPv4 and IPv6 addresses of an interface of a host, or of the machine; None if there is no such interface."""
    for link in json.loads(_run(host, "ip", "-json", "address", "show")):
        if link.get("ifname") == interface:
            return [address["local"] for address in link["addr_info"]]
    return None


def _run(host: Host | None, *command: str) -> str:
    """Run a command in a host, or on the machine."""
    if host:
        return host.run(*command)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SandboxError(f"`{' '.join(command)}` fails on this machine: {' '.join(done.stderr.split())}")
    return done.stdout
