"""Servers in the place of GitLab that answer what GitLab does not."""

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from components.access import gitlab_check
from components.access.gitlab_check import Check, Finding
from tests.support.answering import serving


def findings(url: str) -> list[Finding]:
    projects = {"group/blog": frozenset({"variables", "deploy tokens"})}
    return Check(url=url, token="glpat-x", projects=projects).findings({})


@contextmanager
def answering(
    body: bytes, status: int = 200, *, seconds: float = 0, seen: list[str] | None = None, **headers: str
) -> Iterator[str]:
    """A server that gives everybody this answer; its address. `seconds`: it takes these before each byte."""
    stopped = threading.Event()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if seen is not None:
                seen.append(self.path)
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            if not seconds:
                self.wfile.write(body)
            for byte in body if seconds else b"":
                stopped.wait(seconds)
                if stopped.is_set():
                    return
                self.wfile.write(bytes([byte]))

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    with serving(Handler) as address:
        try:
            yield f"http://{address}"
        finally:
            stopped.set()


def test_a_server_that_is_silent_or_sends_byte_by_byte_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gitlab_check, "SECONDS", 0.5)
    with answering(b"{}" * 100, seconds=0.2) as slow:
        (finding,) = findings(slow)
    assert finding.text.startswith(f"GitLab at {slow} does not answer (no reply within 0.5 s)")


def test_an_endless_answer_and_a_page_are_not_gitlab() -> None:
    with answering(b" " * (2**20 + 1)) as long, answering(b"<html>") as page:
        assert "is not GitLab (its answer is longer than 1 MiB); check" in findings(long)[0].text
        assert "is not GitLab (its answer is no JSON); check gitlab-deploy:gitlabUrl" in findings(page)[0].text


def test_the_token_goes_to_no_other_address() -> None:
    seen: list[str] = []
    with answering(b"{}", seen=seen) as elsewhere, answering(b"", 301, Location=elsewhere) as moved:
        found = findings(moved)
    assert seen == []
    assert [finding.text.partition(";")[0] for finding in found] == ["The project group/blog was renamed or moved"] * 2
