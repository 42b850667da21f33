"""The machine's limit on inotify instances, which every sandbox, editor and file watcher of a user draws on."""

import ctypes
import os
from pathlib import Path

from sandbox.sandbox_error import SandboxError

LIMIT = Path("/proc/sys/fs/inotify/max_user_instances")
NEEDED = 32
"""What a sandbox takes, and what its pods and containers may take."""


def require() -> None:
    """SandboxError if this user may not have as many more instances as a sandbox needs (inotify(7)).

    Without them a part of Kubernetes ends with `too many open files`, some time after it was started.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    handles = []
    try:
        for _ in range(NEEDED):
            handle = libc.inotify_init1(os.O_CLOEXEC)
            if handle < 0:
                raise SandboxError(
                    f"this user may have {LIMIT.read_text(encoding='ascii').strip()} inotify instances, and fewer than "
                    f"the {NEEDED} that a sandbox needs are free: stop another sandbox, or raise the limit "
                    f"(sysctl fs.inotify.{LIMIT.name}=1024)"
                )
            handles.append(handle)
    finally:
        for handle in handles:
            os.close(handle)
