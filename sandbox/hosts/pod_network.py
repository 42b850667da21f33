"""The network of the pods: a cable from each to the node, and a firewall that enforces NetworkPolicies."""

import json
from pathlib import Path

from sandbox.machine.files import write
from sandbox.machine.host import Host, Service
from sandbox.machine.network import Network
from sandbox.sandbox_error import SandboxError


def write_config(folder: Path, network: Network) -> None:
    """Write what containerd's network plugins read. With no bridge, a pod's traffic passes the rules of kube-proxy."""
    addresses = {
        "type": "host-local",
        "ranges": [[{"subnet": str(network.pods)}]],
        "routes": [{"dst": "0.0.0.0/0"}],
    }
    plugins = [
        {"type": "ptp", "ipMasq": True, "ipam": addresses},
        {"type": "portmap", "capabilities": {"portMappings": True}},
    ]
    config = {"cniVersion": "0.4.0", "name": "sandbox", "plugins": plugins}
    write(folder / "10-sandbox.conflist", json.dumps(config, indent=2))


def start_firewall(host: Host, network: Network, program: Path, kubeconfig: Path) -> None:
    """Have NetworkPolicies enforced: by kube-router, with nothing but its firewall, which listens nowhere."""
    options = [
        "--run-firewall=true",
        "--run-router=false",
        "--run-service-proxy=false",
        "--run-loadbalancer=false",
        "--enable-cni=false",
        "--health-port=0",
        "--metrics-port=0",
        "--hostname-override=node",
        f"--service-cluster-ip-range={network.services}",
        f"--kubeconfig={kubeconfig}",
    ]

    def ready() -> bool:
        try:
            # The chain that it makes last before it looks at policies.
            host.run("iptables", "--wait", "--list-rules", "KUBE-NWPLCY-DEFAULT")
        except SandboxError:
            return False
        return True

    host.serve(Service("kube-router", [program, *options], ready))
