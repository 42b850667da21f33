"""A new image is tried out beside the container that serves, if that has to stop before the new one can start.

No Pulumi here. What is secret goes through Docker's Engine API, as JSON: nothing is taken apart by lines.
"""

import io
import tarfile
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote

from components.docker_app.labels import ID_LABEL, NOT_ROUTED, TRIAL_LABEL
from components.docker_app.log_lines import last_log_lines
from components.docker_app.remote_docker import ApiAnswer, RemoteDocker, RemoteDockerError
from components.printable import printable, without_secrets

_POLL_SECONDS = 1.0


@dataclass(frozen=True, kw_only=True)
class Trial:
    """A container like the one to come, but for its name, its labels and its port."""

    beside: str
    """Name of the container that is to be stopped. The trial's own ends in `-trial`."""
    owner: str
    """PROJECT/STACK/NAME, the value of a label."""
    identity: str
    """The id of the stack, by which a trial that was left behind is known."""
    image: str
    """Id of the image."""
    command: Sequence[str] | None = None
    """In place of the image's entry point."""
    arguments: Sequence[str] | None = None
    """In place of the image's arguments."""
    health_check: Sequence[str]
    memory: int
    """In MiB."""
    seconds: int
    """How long it may take to be healthy."""
    networks: Sequence[str] = ()
    user: str | None = None
    capabilities: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    secrets: Sequence[str] = ()
    """Values of these that nothing may show."""
    writable: Sequence[str] = ()

    @property
    def name(self) -> str:
        """Name of the trial's own container."""
        return f"{self.beside}-trial"

    def problem(self, remote: RemoteDocker) -> str | None:
        """Why the image would not serve there; None if it gets healthy. Nothing is left of the trial.

        None as well if the image runs already, or nothing runs that a broken image could take down.
        """
        running = remote.run(
            "inspect", "--format", "{{if .State.Running}}{{.Image}}{{end}}", self.beside
        ).stdout.strip()
        if running in {"", self.image}:
            return None
        try:
            return self._try(remote)
        except RemoteDockerError as error:
            return self._shown(str(error)) or "the connection was lost"

    def _try(self, remote: RemoteDocker) -> str | None:
        for container in remote.listing():
            if container.name == self.name:
                # Left behind by a run that was killed.
                if container.identity != self.identity or TRIAL_LABEL not in container.labels:
                    return (
                        f"the name {self.name}, under which an image is tried out, is taken by a container that this "
                        f"stack did not create; rename it or remove it with {container.removal}"
                    )
                remote.remove(container.id)
        created = remote.request_json("POST", f"/containers/create?name={quote(self.name)}", self._definition)
        if created.message:
            return self._shown(created.message)
        container_id = str(created.json["Id"])
        try:
            return self._start(remote, container_id) or self._wait(remote, container_id)
        finally:
            remote.remove(container_id)

    def _shown(self, text: str) -> str:
        return printable(without_secrets(text, self.secrets))

    @property
    def _definition(self) -> dict[str, object]:
        """As the Engine API takes it (POST /containers/create)."""
        memory = self.memory << 20
        return {
            "Image": self.image,
            **({"Entrypoint": list(self.command)} if self.command else {}),
            **({"Cmd": list(self.arguments)} if self.arguments else {}),
            "Env": [f"{name}={value}" for name, value in self.environment.items()],
            **({"User": self.user} if self.user else {}),
            "Labels": {TRIAL_LABEL: self.owner, ID_LABEL: self.identity, **NOT_ROUTED},
            "HostConfig": {
                "Memory": memory,
                "MemorySwap": memory,
                "CapDrop": ["ALL"],
                **({"CapAdd": list(self.capabilities)} if self.capabilities else {}),
                "SecurityOpt": ["no-new-privileges:true"],
                # Docker puts no file into a container whose root is read-only.
                "ReadonlyRootfs": not self.files,
                "Tmpfs": dict.fromkeys(self.writable, ""),
                **({"NetworkMode": self.networks[0]} if self.networks else {}),
            },
        }

    def _start(self, remote: RemoteDocker, container_id: str) -> str | None:
        answers: list[ApiAnswer] = []
        if (packed := self._archive()) is not None:
            path = f"/containers/{container_id}/archive?path=/"
            answers.append(remote.request("PUT", path, packed, {"Content-Type": "application/x-tar"}))
        # Docker takes one network with the container, and the others one by one.
        answers += [
            remote.request_json("POST", f"/networks/{network}/connect", {"Container": container_id})
            for network in self.networks[1:]
        ]
        if not any(answer.message for answer in answers):
            answers.append(remote.request("POST", f"/containers/{container_id}/start"))
        return next((self._shown(answer.message) for answer in answers if answer.message), None)

    def _wait(self, remote: RemoteDocker, container_id: str) -> str | None:
        end = time.monotonic() + self.seconds
        while time.monotonic() < end:
            if remote.run("exec", container_id, *self.health_check).returncode == 0:
                return None
            if remote.run("inspect", "--format", "{{.State.Running}}", container_id).stdout.strip() != "true":
                break
            time.sleep(_POLL_SECONDS)
        return "\n".join(last_log_lines(remote, self.name, self.secrets))

    def _archive(self) -> bytes | None:
        """The files as Docker takes them (PUT /containers/ID/archive); None if there are none."""
        return packed((path, content.encode(), 0o644) for path, content in self.files.items()) if self.files else None


def packed(files: Iterable[tuple[str, bytes, int]]) -> bytes:
    """Files by path, content and mode as a tar archive."""
    found = io.BytesIO()
    with tarfile.open(fileobj=found, mode="w") as archive:
        for path, data, mode in files:
            member = tarfile.TarInfo(path.lstrip("/"))
            member.size, member.mode = len(data), mode
            archive.addfile(member, io.BytesIO(data))
    return found.getvalue()
