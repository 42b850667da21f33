"""Run a pulled image as strictly as a cluster would: runc, read-only root, no capability, no way to gain one."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from sandbox.machine.waiting import wait

# Runs in the container's network namespace, where this process is not.
ASK = """
import http.client, json, sys
connection = http.client.HTTPConnection("127.0.0.1:8080", timeout=5)
connection.request("GET", sys.argv[1], headers=json.loads(sys.argv[2]))
response = connection.getresponse()
print(json.dumps([response.status, dict(response.getheaders()), response.read().decode()]))
"""

MOUNTS = [
    {"destination": "/proc", "type": "proc", "source": "proc"},
    {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "mode=755"]},
    {
        "destination": "/dev/shm",
        "type": "tmpfs",
        "source": "shm",
        "options": ["nosuid", "noexec", "nodev", "mode=1777"],
    },
]


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: str


@dataclass(frozen=True)
class Container:
    process: subprocess.Popen[bytes]
    """runc itself, which exits as the container's first process does."""
    pid: int
    """The container's first process, as the machine numbers it."""
    stdout: Path
    stderr: Path

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> Answer:
        """Ask the container over HTTP, from inside its network."""
        enter = ["nsenter", "--target", str(self.pid), "--net"]
        command = [*enter, sys.executable, "-c", ASK, path, json.dumps(dict(headers or {}))]
        answered = subprocess.run(command, capture_output=True, check=True)
        return Answer(*json.loads(answered.stdout))

    def answers(self) -> bool:
        """Whether it serves; AssertionError if it has ended."""
        assert self.process.poll() is None, self.stderr.read_text()
        try:
            self.get("/healthz")
        except subprocess.CalledProcessError:
            return False
        return True


def pull(registry: str, name: str, folder: Path) -> Path:
    """Pull by skopeo, which checks every digest on the way, byte for byte."""
    source = f"docker://{registry}/{name}"
    command = ["skopeo", "--insecure-policy", "copy", "--quiet", "--src-tls-verify=false", source, f"dir:{folder}"]
    subprocess.run(command, check=True)
    return folder


def read(pulled: Path, descriptor: Mapping[str, Any]) -> bytes:
    return (pulled / str(descriptor["digest"]).removeprefix("sha256:")).read_bytes()


@contextmanager
def run(pulled: Path, bundle: Path) -> Iterator[Container]:
    """Run a pulled image as its own config says until the block ends."""
    manifest = json.loads((pulled / "manifest.json").read_bytes())
    config = json.loads(read(pulled, manifest["config"]))["config"]
    root = bundle / "rootfs"
    root.mkdir()
    for layer in manifest["layers"]:
        archive = pulled / layer["digest"].removeprefix("sha256:")
        subprocess.run(["tar", "--extract", "--file", archive, "--directory", root], check=True)
    uid, gid = map(int, config["User"].split(":"))
    process = {
        "user": {"uid": uid, "gid": gid},
        "args": config["Entrypoint"],
        "env": config["Env"],
        "cwd": config.get("WorkingDir", "/"),
        "noNewPrivileges": True,
        "capabilities": {},
    }
    namespaces = [{"type": kind} for kind in ("pid", "mount", "network", "ipc", "uts")]
    spec = {
        "ociVersion": "1.0.2",
        "process": process,
        "root": {"path": "rootfs", "readonly": True},
        "mounts": MOUNTS,
        "linux": {"namespaces": namespaces},
    }
    (bundle / "config.json").write_text(json.dumps(spec))
    name = f"image-test-{uuid4().hex}"
    runc = ["runc", "--root", str(bundle / "state")]
    pidfile = bundle / "pid"
    with (bundle / "stdout").open("wb") as stdout, (bundle / "stderr").open("wb") as stderr:
        command = [*runc, "run", "--bundle", str(bundle), "--pid-file", str(pidfile), name]
        started = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr)
    try:
        assert wait(lambda: (pidfile.exists() and pidfile.read_text() != "") or started.poll() is not None, 60)
        assert started.poll() is None, (bundle / "stderr").read_text()
        container = Container(started, int(pidfile.read_text()), bundle / "stdout", bundle / "stderr")
        assert wait(container.answers, 60), "the site did not answer: " + (bundle / "stderr").read_text()
        yield container
    finally:
        subprocess.run([*runc, "delete", "--force", name], check=True)
        started.wait(10)
