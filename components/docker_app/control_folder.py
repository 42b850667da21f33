"""The folder of the ssh connections that this process shares: its own, private, and gone when it ends. No Pulumi here.

Whoever can put a socket where ssh looks for a shared connection decides which host it talks to, with no host key asked
for; whoever finds one there may use it. So the folder's name is made up anew for every process.
"""

import atexit
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from functools import cache, partial
from pathlib import Path

from components import cancellation

_MOST_BYTES = 80
"""A socket's path has at most 107 bytes, of which ssh takes 17 for a name of its own, and 8 are the socket's name."""
_CLOSE_SECONDS = 10
_CANCELLED_SECONDS = 2
"""Then the folder goes all the same: the connection ends by itself (ControlPersist)."""


@cache
def control_folder() -> Path | None:
    """The folder, of mode 0700; None if none can be made, and connections are not shared."""
    for parent in _parents():
        with suppress(OSError):
            folder = Path(tempfile.mkdtemp(prefix="gitlab-deploy-", dir=parent))
            if len(os.fsencode(folder)) <= _MOST_BYTES:
                atexit.register(close, folder)
                cancellation.register(partial(close, folder, _CANCELLED_SECONDS))
                return folder
            folder.rmdir()
    return None


def close(folder: Path, seconds: float = _CLOSE_SECONDS) -> None:
    """Ends the connections whose sockets are there, each within so many seconds, and removes the folder."""
    for socket in folder.glob("*"):
        with suppress(OSError, subprocess.TimeoutExpired):
            # ssh wants the name of a host, and does not look at it.
            command = ["ssh", "-F", "none", "-o", f"ControlPath={socket}", "-O", "exit", "--", "host"]
            subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=seconds, check=False)
    shutil.rmtree(folder, ignore_errors=True)


def _parents() -> Iterator[str]:
    """A user's own folder for sockets (XDG Base Directory), the user's home, and the one for temporary files."""
    for name in ("XDG_RUNTIME_DIR", "HOME"):
        if os.environ.get(name):
            yield os.environ[name]
    with suppress(OSError):
        yield tempfile.gettempdir()
