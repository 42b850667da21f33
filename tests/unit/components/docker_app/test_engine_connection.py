import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from components.docker_app import engine_connection
from components.docker_app.engine_connection import NoAnswerError, ask

SERVER = """\
import os, sys
started, most, last = sys.argv[1], int(sys.argv[2]), sys.argv[3]
with open(started, "a") as file:
    file.write("x")
for number in range(most):
    size = 0
    for line in iter(sys.stdin.buffer.readline, b"\\r\\n"):
        if not line:
            sys.exit()
        if line.lower().startswith(b"content-length:"):
            size = int(line.split(b":")[1])
    body = sys.stdin.buffer.read(size)
    close = b"Connection: close\\r\\n" if last == "close" else b""
    sys.stdout.buffer.write(b"HTTP/1.1 200 OK\\r\\n%sContent-Length: %d\\r\\n\\r\\n" % (close, len(body)) + body)
    sys.stdout.buffer.flush()
sys.exit(last)
"""
Asked = Callable[..., bytes]


@pytest.fixture(autouse=True)
def ended() -> Iterator[None]:
    yield
    engine_connection.close()


@pytest.fixture
def asked(tmp_path: Path) -> Asked:
    """Asks a server that answers with what it is sent; `most` requests of each connection."""

    def echo(body: bytes, method: str = "GET", most: int = 9, last: str = "", *, may_repeat: bool = False) -> bytes:
        command = [sys.executable, "-c", SERVER, str(tmp_path / "started"), str(most), last]
        status, answer, _ = ask(command, method, "/echo", body, {}, 20, may_repeat=may_repeat)
        assert status == 200
        return answer

    return echo


def started(folder: Path) -> int:
    return len((folder / "started").read_text())


def test_requests_one_after_another_need_one_connection(asked: Asked, tmp_path: Path) -> None:
    assert [asked(body) for body in (b"one", b"two", b"")] == [b"one", b"two", b""]
    assert started(tmp_path) == 1


def test_a_connection_that_ended_while_it_waited_is_replaced(asked: Asked, tmp_path: Path) -> None:
    for method in ("GET", "HEAD", "PUT", "DELETE"):
        asked(b"", method, most=1)
    assert started(tmp_path) == 4


def test_what_may_not_be_asked_twice_has_a_connection_of_its_own(asked: Asked, tmp_path: Path) -> None:
    assert [asked(b"one"), asked(b"two", "POST"), asked(b"three", "POST")] == [b"one", b"two", b"three"]
    assert started(tmp_path) == 3


def test_a_post_that_may_be_sent_twice_takes_a_connection_that_waits(asked: Asked, tmp_path: Path) -> None:
    assert [asked(b"one", most=2), asked(b"two", "POST", most=2, may_repeat=True)] == [b"one", b"two"]
    assert started(tmp_path) == 1
    assert asked(b"three", "POST", most=2, may_repeat=True) == b"three"
    assert started(tmp_path) == 2


def test_a_connection_that_the_answer_ends_is_not_kept(asked: Asked, tmp_path: Path) -> None:
    assert [asked(b"one", last="close"), asked(b"two", last="close")] == [b"one", b"two"]
    assert started(tmp_path) == 2


def test_a_command_that_ends_without_an_answer_says_why(asked: Asked) -> None:
    with pytest.raises(NoAnswerError, match="the connection was reset"):
        asked(b"", most=0, last="the connection was reset")


def test_an_answer_that_does_not_come_is_given_up() -> None:
    with pytest.raises(NoAnswerError, match=r"no answer within 0\.01 s"):
        ask(["sh", "-c", "exec cat >/dev/null"], "GET", "/", b"", {}, 0.01)
