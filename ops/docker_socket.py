"""A socket on this machine that is the Docker daemon of a stack's host, over ssh with the stack's own options."""

import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from components.docker_app.remote_docker import RemoteDocker
from ops.ops_error import OpsError


@contextmanager
def docker_socket(remote: RemoteDocker, path: Path) -> Iterator[str]:
    """Its address for DOCKER_HOST, while the context lasts.

    docker's own ssh:// takes no options, so that no host key could be pinned. Each connection is an ssh of its own,
    which runs `docker system dial-stdio` on the host.
    """
    running: list[subprocess.Popen[bytes]] = []
    server = socket.socket(socket.AF_UNIX)
    try:
        server.bind(str(path))
    except OSError as error:
        server.close()
        raise OpsError(f"{path} cannot be made ({error}); set TMPDIR to a folder with a shorter path") from error
    server.listen()
    serving = threading.Thread(target=_serve, args=(server, remote, running), daemon=True)
    serving.start()
    try:
        yield f"unix://{path}"
    finally:
        # Wakes the thread up.
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        serving.join()
        for process in running:
            process.terminate()
        for process in running:
            process.wait()


def _serve(server: socket.socket, remote: RemoteDocker, running: list[subprocess.Popen[bytes]]) -> None:
    with suppress(OSError):
        while True:
            connected, _ = server.accept()
            with connected:
                command = remote.command("system", "dial-stdio")
                running[:] = [process for process in running if process.poll() is None]
                running.append(
                    subprocess.Popen(
                        command, stdin=connected.fileno(), stdout=connected.fileno(), start_new_session=True
                    )
                )
