"""`python -m sandbox.gitlab --host H --port P --data DIR`: serve the double over http until terminated."""

import argparse
import asyncio
import socket
import sys
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from sandbox.gitlab.app import DROP, create_app
from sandbox.gitlab.projects import RELEASE


class DroppingProtocol(H11Protocol):
    """HTTP/1.1 that lets the application close the connection without a reply."""

    def __init__(
        self,
        config: uvicorn.Config,
        server_state: ServerState,
        app_state: dict[str, object],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        app = self.app

        async def with_drop(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 - uvicorn keeps its types private
            await app({**scope, "extensions": {DROP: self.transport.close}}, receive, send)

        self.app = with_drop


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket; SystemExit for an address that is every address of the machine."""
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    if ip_address(address[0]).is_unspecified:
        sys.exit(f"--host {host} would serve every network of this machine; give one address, as 127.0.0.1")
    # The protocol is named, or asyncio would not set TCP_NODELAY and every answer would wait 40 ms.
    bound = socket.socket(family, kind, protocol)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind(address)
    bound.listen(128)
    return bound


def main() -> None:
    """Parse the arguments, listen, and print the address as the first line."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.gitlab", description=__doc__)
    parser.add_argument("--host", required=True, help="the one address to listen on")
    parser.add_argument("--port", required=True, type=int, help="0 for a free one")
    parser.add_argument("--data", required=True, type=Path, help="the directory with the data")
    parser.add_argument("--release", default=RELEASE, help="the release of GitLab to be, such as 17.0 (%(default)s)")
    arguments = parser.parse_args()
    try:
        bound = listen(arguments.host, arguments.port)
    except OSError as problem:
        sys.exit(f"cannot listen on {arguments.host} port {arguments.port}: {problem.strerror}")
    config = uvicorn.Config(
        create_app(arguments.data, arguments.release),
        http=DroppingProtocol,
        ws="none",
        lifespan="off",
        proxy_headers=False,
        access_log=False,
        log_level="warning",
        # nginx before a GitLab keeps idle connections about this long; uvicorn's 5 s would cut off waiting clients.
        timeout_keep_alive=65,
        timeout_graceful_shutdown=1,
    )
    host, port = bound.getsockname()[:2]
    print(f"listening on http://{f'[{host}]' if ':' in host else host}:{port}", flush=True)
    uvicorn.Server(config).run(sockets=[bound])


if __name__ == "__main__":
    main()
