"""Whether a container of a compose project does what others wait for. No Pulumi here."""

import asyncio
import time
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
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
        ahead: float | None = None
        while True:
            inspected = await asyncio.to_thread(self._inspect)
            if inspected is None:
                return ["it does not exist any more"]
            state = inspected["State"]
            started = (state["StartedAt"], inspected.get("RestartCount"))
            if started != since[0]:
                since = (started, time.monotonic())
            pause = _POLL_SECONDS
            verdict = self._verdict(state, int(inspected.get("RestartCount") or 0), time.monotonic() - since[1])
            if verdict is None and not self.completes and state["Status"] == "running" and _health(state) == "none":
                ahead = await asyncio.to_thread(self._clock_ahead) if ahead is None else ahead
                runs = time.monotonic() + ahead - _timestamp(state["StartedAt"])
                verdict = True if runs >= SETTLED_SECONDS else None
                # Not a moment later: others may wait for it.
                pause = min(pause, SETTLED_SECONDS - runs)
            if verdict is None and not self.completes and time.monotonic() > end:
                verdict = False
            if verdict is not None:
                return [] if verdict else await asyncio.to_thread(self._lines)
            await asyncio.sleep(pause)

    def _verdict(self, state: dict[str, Any], restarts: int, seconds: float) -> bool | None:
        """Whether all is well; None if that is not known yet, as it never is of one that runs without a health check.

        `seconds` is for how long its last start is known.
        """
        is_over = state["Status"] in {"exited", "dead"}
        if self.completes:
            return (state["ExitCode"] == 0) if is_over else False if restarts >= RESTARTS else None
        if is_over and self.may_end and state["ExitCode"] == 0:
            return True
        if restarts >= RESTARTS or (is_over and seconds > 1):
            return False
        return True if _health(state) == "healthy" else None

    def _clock_ahead(self) -> float:
        """By how much the host's clock is ahead of the one here; by a little more, for its answer has taken a while."""
        answer = self.remote.request("GET", "/info")
        if answer.message:
            raise RemoteDockerError(answer.message)
        return _timestamp(answer.json["SystemTime"]) - time.monotonic()

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


def _health(state: dict[str, Any]) -> str:
    return str((state.get("Health") or {}).get("Status", "none"))


def _timestamp(text: str) -> float:
    """Of a time as Docker writes it, with nanoseconds."""
    return datetime.fromisoformat(text).timestamp()
