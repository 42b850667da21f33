"""Requests to Docker's Engine API behind ssh, over connections that stay open for the next. No Pulumi here."""

import atexit
import threading
from collections.abc import Mapping, Sequence
from http.client import HTTPConnection, HTTPException
from tempfile import TemporaryFile

from components.docker_app.command_socket import END_SECONDS, CommandSocket

_KEPT = 4
"""So many connections wait for another request; sshd allows ten at once by default (MaxSessions)."""
_REPEATABLE = frozenset({"GET", "HEAD", "PUT", "DELETE"})
"""What may be asked twice (RFC 9110, 9.2.2): a connection that waited may have ended without a word."""

_kept: dict[tuple[str, ...], list["_Connection"]] = {}
_lock = threading.Lock()


class NoAnswerError(Exception):
    """There was no answer: what ssh, or Docker behind it, has said on standard error."""


class LateAnswerError(NoAnswerError):
    """There was no answer in time."""


class _Connection(HTTPConnection):
    """Standard input and output of a command that leads to the API, which ends with the connection."""

    auto_open = 0

    def __init__(self, command: Sequence[str]) -> None:
        super().__init__("docker")
        self._errors = TemporaryFile()  # noqa: SIM115 - as long as the connection
        self._command = CommandSocket(command, self._errors)
        self.sock = self._command.socket

    def ask(
        self, method: str, path: str, body: bytes, headers: Mapping[str, str], seconds: float | None
    ) -> tuple[int, bytes, str | None]:
        self.sock.settimeout(seconds)
        self.request(method, path, body=body, headers={"Content-Length": str(len(body)), **headers})
        response = self.getresponse()
        return response.status, response.read(), response.headers.get("Api-Version")

    def end(self, seconds: float = END_SECONDS) -> str:
        """What was on standard error. The command has so many seconds to end."""
        self.close()
        self._command.end(seconds)
        with self._errors:
            self._errors.seek(0)
            return self._errors.read().decode(errors="replace")


def ask(
    command: Sequence[str],
    method: str,
    path: str,
    body: bytes,
    headers: Mapping[str, str],
    seconds: float | None,
    *,
    may_repeat: bool = False,
) -> tuple[int, bytes, str | None]:
    """Status and body of the answer to a request that is sent through this command, and the API's version.

    `seconds` is how long nothing may come, None for any time. `may_repeat` says of a POST that it may be sent twice, as
    the other methods may. NoAnswerError if there is no answer, LateAnswerError if none came in time.
    """
    key = tuple(command)
    with _lock:
        waiting = _kept.get(key) if may_repeat or method in _REPEATABLE else None
        kept = waiting.pop() if waiting else None
    connection = kept or _Connection(command)
    try:
        answer = connection.ask(method, path, body, headers, seconds)
    except TimeoutError as error:
        connection.end(0)
        raise LateAnswerError(f"no answer within {seconds} s") from error
    except (OSError, HTTPException) as error:
        said = connection.end()
        if kept:
            return ask(command, method, path, body, headers, seconds, may_repeat=may_repeat)
        raise NoAnswerError(said) from error
    _keep(key, connection)
    return answer


def _keep(key: tuple[str, ...], connection: _Connection) -> None:
    with _lock:
        waiting = _kept.setdefault(key, [])
        # An answer may have said that the connection ends with it.
        if connection.sock is not None and len(waiting) < _KEPT:
            waiting.append(connection)
            return
    connection.end()


@atexit.register
def close() -> None:
    """Ends all connections that wait."""
    with _lock:
        waiting = [connection for connections in _kept.values() for connection in connections]
        _kept.clear()
    for connection in waiting:
        connection.end()
