"""A new image is tried out beside the container that runs, where that has to stop before the new one can start.

Pure: no Pulumi here.
"""

import io
import tarfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from components.docker_app.ssh import DockerHost, last_words

_POLL_SECONDS = 1.0


@dataclass(frozen=True, kw_only=True)
class Trial:
    """A container as the one to come, but for its name and its port."""

    beside: str
    """Name of the container that is to be stopped. The trial's own ends in `-trial`."""
    image: str
    """Id of the image."""
    health_check: Sequence[str]
    memory: int
    """In MiB."""
    seconds: int
    """How long it may take to be healthy."""
    network: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    writable: Sequence[str] = ()

    @property
    def name(self) -> str:
        """Name of the trial's own container."""
        return f"{self.beside}-trial"

    def problem(self, host: DockerHost) -> str | None:
        """Why the image would not serve there, in its own words; None where it gets healthy, and nothing is left of it.

        None as well where it runs already, or nothing runs that a broken image could take down.
        """
        runs = host.run("inspect", "--format", "{{if .State.Running}}{{.Image}}{{end}}", self.beside).stdout.strip()
        if runs in {"", self.image}:
            return None
        # What a run that was killed may have left.
        host.run("rm", "--force", self.name)
        try:
            return self._made(host) or self._healthy(host)
        finally:
            host.run("rm", "--force", self.name)

    def _made(self, host: DockerHost) -> str | None:
        options = [
            *("--memory", f"{self.memory}m", "--memory-swap", f"{self.memory}m"),
            *("--cap-drop", "ALL", "--security-opt", "no-new-privileges:true"),
            *(() if self.files else ("--read-only",)),
            *(part for folder in self.writable for part in ("--tmpfs", folder)),
            *(("--network", self.network) if self.network else ()),
        ]
        # Through standard input, for the arguments of a process are there for everybody to read.
        values = "".join(f"{name}={value}\n" for name, value in self.environment.items()).encode()
        made = host.send(values, "create", "--name", self.name, "--env-file", "/dev/stdin", *options, self.image)
        for done in (
            made,
            *([host.send(_archive(self.files), "cp", "-", f"{self.name}:/")] if self.files else []),
            host.send(b"", "start", self.name),
        ):
            if done.returncode:
                return done.stderr.decode(errors="replace").strip()
        return None

    def _healthy(self, host: DockerHost) -> str | None:
        end = time.monotonic() + self.seconds
        while time.monotonic() < end:
            if host.run("exec", self.name, *self.health_check).returncode == 0:
                return None
            if host.run("inspect", "--format", "{{.State.Running}}", self.name).stdout.strip() != "true":
                break
            time.sleep(_POLL_SECONDS)
        return "\n".join(last_words(host, self.name))


def _archive(files: Mapping[str, str]) -> bytes:
    """The files as `docker cp` takes them."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for path, content in files.items():
            data = content.encode()
            member = tarfile.TarInfo(path.lstrip("/"))
            member.size, member.mode = len(data), 0o644
            archive.addfile(member, io.BytesIO(data))
    return packed.getvalue()
