"""A command whose standard input and output are a socket of this process. No Pulumi here."""

import subprocess
from collections.abc import Sequence
from contextlib import closing
from socket import socketpair
from typing import IO

END_SECONDS = 10


class CommandSocket:
    """The command, which runs until the socket is closed; what it has to say of that is in `errors`."""

    def __init__(self, command: Sequence[str], errors: IO[bytes]) -> None:
        self.socket, theirs = socketpair()
        with closing(theirs):
            try:
                self._command = subprocess.Popen(
                    command,
                    stdin=theirs.fileno(),
                    stdout=theirs.fileno(),
                    stderr=errors,
                    # Without a terminal, on which the ssh of a jump host would ask.
                    start_new_session=True,
                )
            except OSError:
                self.socket.close()
                raise

    def end(self, seconds: float = END_SECONDS) -> None:
        """Closes the socket. The command has so many seconds to end."""
        self.socket.close()
        try:
            self._command.wait(seconds)
        except subprocess.TimeoutExpired:
            self._command.kill()
            self._command.wait()
