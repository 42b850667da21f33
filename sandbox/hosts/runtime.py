"""What pods run on in the node: containerd, its network plugin, and the image that holds a pod's namespaces."""

import json
import shutil
from pathlib import Path

from sandbox.example.oci import make_image, make_layer, program, save
from sandbox.machine.files import write
from sandbox.machine.host import Host, Service
from sandbox.machine.network import Network
from sandbox.names import REGISTRY
from sandbox.sandbox_error import SandboxError

PAUSE = "localhost/pause:1"
SOCKET = "/run/containerd/containerd.sock"

CONTAINERD = """\
version = 2
root = "{data}/containerd"
state = "/run/containerd"

[grpc]
address = "{socket}"

[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "{pause}"
# A machine that withholds CAP_SYS_RESOURCE lets nobody lower a score.
restrict_oom_score_adj = true

[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "/usr/lib/cni"
conf_dir = "{data}/cni"

[plugins."io.containerd.grpc.v1.cri".registry]
config_path = "{data}/registries"
"""

HOSTS = """\
server = "http://{registry}"

[host."http://{registry}"]
capabilities = ["pull", "resolve"]
"""


def start(host: Host, network: Network, registry: str) -> None:
    """Have containerd running in the node; it pulls what is called REGISTRY/... from `registry` (HOST:PORT, no TLS)."""
    config = host.data / "containerd.toml"
    write(config, CONTAINERD.format(data=host.data, socket=SOCKET, pause=PAUSE))
    write(host.data / "registries" / REGISTRY / "hosts.toml", HOSTS.format(registry=registry))
    write(host.data / "cni" / "10-sandbox.conflist", json.dumps(_pod_network(network), indent=2))

    def ready() -> bool:
        try:
            return PAUSE in images() or import_pause()
        except SandboxError:
            return False

    def images() -> list[str]:
        return host.run(*ctr, "list", "--quiet").splitlines()

    def import_pause() -> bool:
        host.run(*ctr, "import", _pause(host.data))
        return True

    ctr = ["ctr", "--address", SOCKET, "--namespace", "k8s.io", "images"]
    host.serve(Service("containerd", ["containerd", "--config", config], ready))


def _pod_network(network: Network) -> dict[str, object]:
    """A cable from each pod to the node: with no bridge, all of a pod's traffic passes the rules of kube-proxy."""
    addresses = {
        "type": "host-local",
        "ranges": [[{"subnet": str(network.pods)}]],
        "routes": [{"dst": "0.0.0.0/0"}],
    }
    plugins = [
        {"type": "ptp", "ipMasq": True, "ipam": addresses},
        {"type": "portmap", "capabilities": {"portMappings": True}},
    ]
    return {"cniVersion": "0.4.0", "name": "sandbox", "plugins": plugins}


def _pause(folder: Path) -> Path:
    """An archive of an image that only sleeps."""
    sleep = shutil.which("sleep", path="/usr/bin:/bin")
    if not sleep:
        raise SandboxError("this machine has no program `sleep`: install the package coreutils")
    archive = folder / "pause.tar"
    if not archive.exists():
        files = program(Path(sleep), "sleep")
        save(make_image([make_layer(files)], entrypoint=["/sleep", "infinity"]), PAUSE, archive)
    return archive
