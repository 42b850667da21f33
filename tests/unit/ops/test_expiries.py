"""When the credentials that a stack uses and has not made expire."""

import http.server
import json
import socket
import ssl
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ops import expiries
from ops.stack_status import StackStatus
from sandbox.hosts.certificate import certificate
from tests.support.answering import serving


def answering(status: int, body: dict[str, Any]) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            good = (self.path, self.headers["PRIVATE-TOKEN"]) == ("/api/v4/personal_access_tokens/self", "token")
            text = json.dumps(body).encode()
            self.send_response(status if good else 500)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            pass

    return Handler


@pytest.mark.parametrize("ends", ["2027-01-31", None])
def test_a_gitlab_token_says_itself_when_it_expires(ends: str | None) -> None:
    body = {"name": "deploy", "created_at": "2026-11-01T08:00:00.000Z", "expires_at": ends}
    with serving(answering(200, body)) as address:
        (found,) = expiries.of_token(f"http://{address}", "token")
    assert found.json() == {
        "name": "GitLab token deploy",
        "made": "2026-11-01T08:00:00+00:00",
        "expires": f"{ends}T00:00:00+00:00" if ends else None,
        "due": "2027-01-01T00:00:00+00:00" if ends else None,
    }


def test_a_token_that_does_not_describe_itself_is_left_out() -> None:
    with serving(answering(401, {"message": "401 Unauthorized"})) as address:
        assert list(expiries.of_token(f"http://{address}", "token")) == []
    assert list(expiries.of_token("http://127.0.0.1:1", None)) == []


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str | None], ssl.SSLContext]]:
    """A site blog.example.org of this machine, and whom to trust: its authority, or nobody else."""
    made = certificate(tmp_path, ["blog.example.org"])
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(made.server)
    connect = socket.create_connection
    with serving(answering(200, {}), tls) as address:
        port = int(address.rpartition(":")[2])
        monkeypatch.setattr(socket, "create_connection", lambda _, timeout: connect(("127.0.0.1", port), timeout))
        yield lambda trusted: ssl.create_default_context(cafile=str(made.authority) if trusted else None)


def status(*urls: str) -> StackStatus:
    return StackStatus(stack="prod", outputs={"addresses": {"kubernetes": list(urls)}}, last_run=None)


def test_the_certificate_of_an_address_is_seen_once(site: Callable[[str | None], ssl.SSLContext]) -> None:
    urls = ("https://blog.example.org/", "https://blog.example.org/docs", "http://plain.example.org/")
    (found,) = expiries.of_sites(status(*urls), site("its own"))
    assert found.name == "Certificate of blog.example.org"
    assert found.made
    assert found.expires
    assert found.made < datetime.now(UTC) < found.expires - timedelta(days=1)


def test_a_certificate_that_is_not_accepted_is_left_to_verify(site: Callable[[str | None], ssl.SSLContext]) -> None:
    assert list(expiries.of_sites(status("https://blog.example.org/"), site(None))) == []
