"""The page of `ops status --html` in a real browser."""

import http.server
import re
import struct
import subprocess
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ops.status_page import render
from tests.support.answering import serving
from tests.support.status_documents import stack, unwell

NOW = datetime(2026, 11, 26, 6, tzinfo=UTC)


@pytest.fixture
def requested() -> Iterator[tuple[str, list[str]]]:
    """The address of a server, and the paths that it was asked for."""
    paths: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            paths.append(self.path)
            self.send_error(404)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            pass

    with serving(Handler) as address:
        yield f"http://{address}", paths


def browse(page: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Opens a page; what the browser complains of is on standard error."""
    command = ["chromium-headless-shell", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
    logged = ("--enable-logging=stderr", f"--user-data-dir={page.parent / 'profile'}")
    return subprocess.run(
        [*command, *logged, *options, page.as_uri()], capture_output=True, text=True, timeout=120, check=True
    )


def complaints(shown: subprocess.CompletedProcess[str]) -> list[str]:
    return re.findall(r"CONSOLE.*", shown.stderr)


def background(png: Path) -> int:
    """How light the first pixel is, from 0 to 765. No filter of PNG changes that pixel; each has 8 bits a colour."""
    data, found = png.read_bytes(), b""
    at = 8
    while at < len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        if data[at + 4 : at + 8] == b"IDAT":
            found += data[at + 8 : at + 8 + length]
        at += 12 + length
    return sum(zlib.decompress(found)[1:4])


@pytest.mark.parametrize("scheme", ["0", "1"], ids=["dark", "light"])
def test_the_page_is_drawn_without_a_complaint_in_light_and_dark_on_a_phone(tmp_path: Path, scheme: str) -> None:
    page = tmp_path / "index.html"
    page.write_text(render("group/blog", [stack(), unwell()], NOW))
    drawn = tmp_path / "page.png"
    size = ("--window-size=390,1700", f"--blink-settings=preferredColorScheme={scheme}")
    shown = browse(page, *size, f"--screenshot={drawn}")
    assert complaints(shown) == []
    # A page without its style, or an empty one, is a few kilobytes.
    assert drawn.stat().st_size > 60_000
    assert (background(drawn) < 100, background(drawn) > 665) == (scheme == "0", scheme == "1")


def test_the_page_asks_nobody_whatever_a_name_holds(tmp_path: Path, requested: tuple[str, list[str]]) -> None:
    address, paths = requested
    hostile = f"<img src={address}/name>"
    page = tmp_path / "index.html"
    page.write_text(render(hostile, [stack(hostile, image=hostile, addresses=[f"{address}/"], places=[hostile])], NOW))
    assert hostile.replace("<", "&lt;").replace(">", "&gt;") in browse(page, "--dump-dom").stdout
    assert paths == []
    # Were it markup, the page's own policy would stop it; and a page without one does ask.
    text = page.read_text().replace("&lt;img", "<img", 1).replace("<title>", "").replace("</title>", "")
    page.write_text(text)
    assert complaints(browse(page, "--dump-dom"))
    assert paths == []
    page.write_text(re.sub(r"<meta http-equiv[^>]*>", "", text))
    browse(page, "--dump-dom")
    assert [path[:5] for path in paths] == ["/name"]
