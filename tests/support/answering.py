"""HTTP servers of a test: one with any handler, and one that gives every request the same answer."""

import http.server
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def running(server: socketserver.TCPServer) -> Iterator[str]:
    """HOST:PORT of a server, which serves while the context lasts."""
    with server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            host, port = server.socket.getsockname()
            yield f"{host}:{port}"
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def serving(handler: type[http.server.BaseHTTPRequestHandler], tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """HOST:PORT of an HTTP server with this handler, while the context lasts."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    with running(server) as address:
        yield address


class Drip:
    """An answer of a server that comes a space at a time, until it is enough."""

    def __init__(self, status: int) -> None:
        self.status = status
        self.enough, self.ended = threading.Event(), threading.Event()

    def __call__(self, handler: http.server.BaseHTTPRequestHandler) -> None:
        """Answers a request."""
        handler.send_response(self.status)
        handler.end_headers()
        for _ in range(100):
            if self.enough.wait(0.05):
                return
            handler.wfile.write(b" ")
        self.ended.set()


@contextmanager
def answering(status: int = 401, text: str = "{}") -> Iterator[str]:
    """Its address, while the context lasts. By default it answers as one that knows nobody."""
    body = text.encode()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            pass

    with serving(Handler) as address:
        yield f"http://{address}"
