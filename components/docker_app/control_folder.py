"""The folder of the ssh connections that this process shares: its own, private, and gone when it ends. No Pulumi here.

Whoever can put a socket where ssh looks for a shared connection decides which host it talks to, with no host key asked
for; whoever finds one there may use it. So the folder's name is made up anew for every process.
"""

import atexit
import fcntl
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
"""For each connection."""
_PREFIX = "gitlab-deploy-ssh-"


@cache
def control_folder() -> Path | None:
    """The folder, of mode 0700; None if none can be made, and connections are not shared."""
    for parent in _parents():
        with suppress(OSError):
            _remove_left(Path(parent))
            folder = _made(parent)
            while folder and not _lock(folder):
                folder = _made(parent)
            if folder:
                return folder
    return None


def close(folder: Path) -> None:
    """Ends the connections whose sockets are there and removes the folder."""
    for socket in folder.glob("*"):
        with suppress(OSError, subprocess.TimeoutExpired):
            # ssh wants the name of a host, and does not look at it.
            command = ["ssh", "-F", "none", "-o", f"ControlPath={socket}", "-O", "exit", "--", "host"]
            subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=_CLOSE_SECONDS, check=False)
    shutil.rmtree(folder, ignore_errors=True)


def _made(parent: str) -> Path | None:
    """A new folder; None if its path is too long for a socket's."""
    with cancellation.making():
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
        if len(os.fsencode(folder)) > _MOST_BYTES:
            folder.rmdir()
            return None
        atexit.register(close, folder)
        # Nobody finds the connections then, which end by themselves (ControlPersist).
        cancellation.register_removal(partial(shutil.rmtree, folder, ignore_errors=True))
    return folder


def _lock(folder: Path) -> bool:
    """Locks the folder until this process ends; False if another process took it for left and removed it."""
    # There are file systems without locks: nothing is removed there.
    with suppress(OSError):
        fcntl.flock(os.open(folder, os.O_RDONLY | os.O_DIRECTORY), fcntl.LOCK_EX)
    return folder.is_dir()


def _remove_left(parent: Path) -> None:
    """Removes what processes have left that were killed: nobody holds its lock."""
    for left in parent.glob(f"{_PREFIX}*"):
        with suppress(OSError):
            handle = os.open(left, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(left, ignore_errors=True)
            finally:
                os.close(handle)


def _parents() -> Iterator[str]:
    """A user's own folder for sockets (XDG Base Directory), the user's home, and the one for temporary files."""
    for name in ("XDG_RUNTIME_DIR", "HOME"):
        if os.environ.get(name):
            yield os.environ[name]
    with suppress(OSError):
        yield tempfile.gettempdir()
