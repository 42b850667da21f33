"""Whether a container of a compose project does what others wait for. No Pulumi here."""

import asyncio
import time
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from components.docker_app.log_lines import last_log_lines
from components.docker_app.remote_docker import RemoteDocker, RemoteDockerError

SETTLED_SECONDS = 3.0
"""A container without a health check is taken to serve once it has run for so long."""
RESTARTS = 3
_POLL_SECONDS = 0.25


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """Waits for a container that was just created or started."""

    remote: RemoteDocker
    container: str
    """Its id."""
    seconds: float
    """How long it may take to be healthy."""
    completes: bool
    """Whether it has to run to its end, however long that takes."""
    may_end: bool = False
    """Whether it may be over without an error."""
    secrets: Collection[str] = ()
    """Values that nothing may show."""

    async def problem(self) -> list[str]:
        """Lines that say why it does not serve, or did not complete; none if all is well."""
        end = time.monotonic() + self.seconds
        since: tuple[object, float] = (None, time.monotonic())
        while True:
            inspected = await asyncio.to_thread(self._inspect)
            if inspected is None:
                return ["it does not exist any more"]
            state = inspected["State"]
            started = (state.get("StartedAt"), inspected.get("RestartCount"))
            if started != since[0]:
                since = (started, time.monotonic())
            verdict = self._verdict(state, int(inspected.get("RestartCount") or 0), time.monotonic() - since[1])
            if verdict is None and not self.completes and time.monotonic() > end:
                verdict = False
            if verdict is not None:
                return [] if verdict else await asyncio.to_thread(self._lines)
            await asyncio.sleep(_POLL_SECONDS)

    def _verdict(self, state: dict[str, Any], restarts: int, seconds: float) -> bool | None:
        """Whether all is well; None if that is not known yet."""
        is_over = state["Status"] in {"exited", "dead"}
        if self.completes:
            return (state["ExitCode"] == 0) if is_over else False if restarts >= RESTARTS else None
        if is_over and self.may_end and state["ExitCode"] == 0:
            return True
        if restarts >= RESTARTS or (is_over and seconds > 1):
            return False
        health = (state.get("Health") or {}).get("Status", "none")
        if health != "none":
            return True if health == "healthy" else None
        return True if state["Status"] == "running" and seconds >= SETTLED_SECONDS else None

    def _inspect(self) -> dict[str, Any] | None:
        answer = self.remote.request("GET", f"/containers/{self.container}/json")
        if answer.status == 404:
            return None
        if answer.message:
            raise RemoteDockerError(answer.message)
        found: dict[str, Any] = answer.json
        return found

    def _lines(self) -> list[str]:
        return last_log_lines(self.remote, self.container, self.secrets)
