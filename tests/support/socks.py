"""A SOCKS5 proxy (RFC 1928) for tests: no login, TCP to wherever the test says."""

import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from tests.support.answering import running


@contextmanager
def socks_proxy(target: str) -> Iterator[str]:
    """HOST:PORT of a proxy that connects every request to the one HOST:PORT `target`, whatever host it is for."""
    host, _, port = target.rpartition(":")

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            _, methods = self.rfile.read(2)
            self.rfile.read(methods)
            self.wfile.write(b"\x05\x00")
            _, _, _, kind = self.rfile.read(4)
            length = {1: 4, 4: 16}.get(kind) or self.rfile.read(1)[0]
            self.rfile.read(length + 2)
            with socket.create_connection((host, int(port))) as upstream:
                self.wfile.write(b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00")
                back = threading.Thread(target=_copy, args=(upstream, self.connection))
                back.start()
                _copy(self.connection, upstream)
                back.join()

    with running(socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)) as address:
        yield address


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)
