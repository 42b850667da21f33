"""The container registry, on port 80 of an address of its own, plain HTTP: to Docker a name without a port is that."""

import json
from collections.abc import Mapping
from functools import partial

from sandbox.machine.files import write
from sandbox.machine.host import Host, Service
from sandbox.machine.network import Network
from sandbox.machine.probe import answers


def start(host: Host, network: Network, auth: Mapping[str, object] | None = None) -> None:
    """Have the registry running in `host`; `auth` is that section of its configuration, None lets everybody in."""
    address = network.address("registry")
    config = {
        "version": 0.1,
        "log": {"level": "info", "accesslog": {"disabled": True}},
        "storage": {
            "filesystem": {"rootdirectory": str(host.data / "registry")},
            "delete": {"enabled": True},
        },
        "http": {"addr": f"{address}:80"},
    }
    host.run("ip", "address", "replace", f"{address}/24", "dev", "eth0")
    path = host.data / "registry.json"
    write(path, json.dumps(config | ({"auth": auth} if auth else {}), indent=2))
    host.serve(Service("registry", ["docker-registry", "serve", path], partial(answers, f"http://{address}/v2/")))
