import ssl
import sys
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from components.docker_app.entrance import Answer, Entrance, ask_from_here, ask_from_host
from sandbox.hosts.certificate import certificate
from tests.support.answering import serving
from tests.support.docker_double import DockerDouble

RELAY = """
import os, socket, sys, threading
server = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
def up():
    while data := os.read(0, 65536):
        server.sendall(data)
threading.Thread(target=up, daemon=True).start()
while data := server.recv(65536):
    os.write(1, data)
"""
"""What sshd does for `ssh -W`."""


@dataclass(frozen=True, kw_only=True)
class Relaying(DockerDouble):
    def dial(self, address: str) -> list[str]:
        if self.address.endswith("refuses"):
            return ["sh", "-c", "echo 'channel 0: open failed: connect failed: Connection refused' >&2"]
        return [sys.executable, "-c", RELAY, address.rpartition(":")[2]]


class Proxy(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(401 if self.headers["Host"] == "blog.example.org" else 404)
        self.send_header("X-Gitlab-Deploy", f"by{self.path}")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def trusted(tmp_path: Path, *names: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate(tmp_path, names or ("blog.example.org",)).server)
    return context


@pytest.mark.parametrize("tls", [True, False])
def test_site_is_asked_for_by_its_name_through_the_host(tmp_path: Path, *, tls: bool) -> None:
    with serving(Proxy, trusted(tmp_path) if tls else None) as address:
        entrance = Entrance(host="blog.example.org", tls=tls, address=address)
        assert ask_from_host(Relaying(), entrance, "/x") == Answer(status=401, token="by/x")


@pytest.mark.parametrize(
    ("host", "is_other"),
    [("blog.example.org", True), ("blog.example.net", False), ("Shop.Example.com", False), ("example.com", True)],
)
def test_certificate_of_another_name_is_seen(tmp_path: Path, host: str, *, is_other: bool) -> None:
    with serving(Proxy, trusted(tmp_path, "blog.example.net", "*.example.com")) as address:
        answer = ask_from_host(Relaying(), Entrance(host=host, address=address), "/x")
    assert answer.status
    assert answer.has_other_certificate is is_other


def test_host_that_does_not_reach_the_proxy_says_why() -> None:
    answer = ask_from_host(Relaying(address="ssh://deploy@refuses"), Entrance(host="blog.example.org"), "/")
    assert answer == Answer(reason="Connection refused")


def test_proxy_is_where_https_or_http_is_unless_another_address_is_given() -> None:
    assert Entrance(host="a").from_host == "127.0.0.1:443"
    assert Entrance(host="a", tls=False).from_host == "127.0.0.1:80"
    assert Entrance(host="a", address="192.0.2.1:8443").from_host == "192.0.2.1:8443"


def test_site_that_is_not_found_from_here_says_why() -> None:
    assert "Name" in ask_from_here(Entrance(host="blog.invalid"), "/").reason
