"""The first process of a sandbox host: `python -I init.py NAME`, started by `unshare` in namespaces that are all new.

Prints the pid it has on the machine, waits until the starter has noted that down (a line on stdin; without one it ends,
so that no host is ever left that nobody knows of), then prints `ready` and sleeps for ever. Whatever runs in the host
is its descendant: when it is killed, the kernel ends every process, mount and interface of the host with it.
"""

import os
import signal
import socket
import subprocess
import sys


def main() -> None:
    """Be the init of the host named in the arguments."""
    # unshare puts the children of a process into the new process namespace, not the process itself.
    pid = os.fork()
    if pid:
        print(pid, flush=True)
        os._exit(0)
    os.setsid()
    if not sys.stdin.readline():
        sys.exit(1)
    socket.sethostname(sys.argv[1])
    subprocess.run(["mount", "-t", "proc", "proc", "/proc"], check=True)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    # Kept across exec: the kernel then collects orphans by itself.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    print("ready", flush=True)
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in range(3):
        os.dup2(nothing, stream)
    os.chdir("/")
    os.execvp("sleep", ["sleep", "infinity"])  # noqa: S606 - it takes the place of this program


if __name__ == "__main__":
    main()
