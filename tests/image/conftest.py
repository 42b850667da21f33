import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from sandbox.probe import answers
from sandbox.process import wait

CONFIG = """\
version: 0.1
storage: {{filesystem: {{rootdirectory: {storage}}}}}
http: {{addr: "{address}"}}
"""


@dataclass(frozen=True)
class Registry:
    address: str
    storage: Path

    def files(self) -> dict[Path, int]:
        """Return when each file that the registry keeps was last written."""
        return {path: path.stat().st_mtime_ns for path in self.storage.rglob("*") if path.is_file()}


@pytest.fixture(scope="session")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    folder = tmp_path_factory.mktemp("registry")
    with socket.create_server(("127.0.0.1", 0)) as probe:
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    (folder / "config.yml").write_text(CONFIG.format(storage=folder / "storage", address=address))
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(["docker-registry", "serve", folder / "config.yml"], stdout=log, stderr=log)
    try:
        answered = wait(lambda: answers(f"http://{address}/v2/") or process.poll() is not None, 20)
        assert answered, "the registry did not answer in time: " + (folder / "log").read_text()
        assert process.poll() is None, (folder / "log").read_text()
        yield Registry(address, folder / "storage")
    finally:
        process.terminate()
        process.wait(10)
