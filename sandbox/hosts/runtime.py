"""What pods run on in the node: containerd, and the image that holds a pod's namespaces."""

from pathlib import Path

from sandbox.hosts import pod_network
from sandbox.machine.files import write
from sandbox.machine.host import Host, Service
from sandbox.machine.network import Network
from sandbox.names import REGISTRY
from sandbox.sandbox_error import SandboxError
from sandbox.toolchain.images import File, build

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
    pod_network.write_config(host.data / "cni", network)

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


def _pause(folder: Path) -> Path:
    """An archive of an image that only sleeps: busybox, which under the name `sleep` is that program alone."""
    archive = folder / "pause.tar"
    image = build(
        'FROM scratch\nCOPY sleep /\nENTRYPOINT ["/sleep", "infinity"]\n',
        {"sleep": File(Path("/bin/busybox"), 0o755)},
    )
    image.save(PAUSE, archive)
    return archive
