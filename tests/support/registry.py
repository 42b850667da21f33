"""A docker-registry for tests, on a free port of 127.0.0.1."""

import json
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sandbox.machine.probe import answers
from sandbox.machine.waiting import wait


@dataclass(frozen=True)
class Registry:
    address: str
    storage: Path
    log: Path

    def blobs(self) -> dict[Path, int]:
        """When each manifest, config and layer that the registry keeps was last written."""
        return {path: path.stat().st_mtime_ns for path in self.storage.rglob("blobs/**/data")}


@contextmanager
def serve(folder: Path, auth: Mapping[str, object] | None = None) -> Iterator[Registry]:
    """Run one until the block ends; `auth` is that section of its configuration, None lets everybody do everything."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    registry = Registry(address, folder / "storage", folder / "log")
    storage = {"filesystem": {"rootdirectory": str(registry.storage)}}
    config = {"version": 0.1, "storage": storage, "http": {"addr": address}} | ({"auth": auth} if auth else {})
    (folder / "config.json").write_text(json.dumps(config))
    with registry.log.open("wb") as log:
        process = subprocess.Popen(["docker-registry", "serve", folder / "config.json"], stdout=log, stderr=log)
    try:
        answered = wait(lambda: answers(f"http://{address}/v2/") or process.poll() is not None, 120)
        assert answered, "the registry did not answer in time: " + registry.log.read_text()
        assert process.poll() is None, registry.log.read_text()
        yield registry
    finally:
        process.terminate()
        process.wait(60)
