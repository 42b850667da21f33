import http.server
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from components.image import digest
from components.image.digest import pinned
from components.image.reference import ImageReference
from tests.support.answering import Drip, serving

pytestmark = pytest.mark.usefixtures("no_garbage_collection")

DIGEST = f"sha256:{'a' * 64}"
Answer = Callable[[http.server.BaseHTTPRequestHandler], None]


@contextmanager
def registry(
    token_server: Answer,
    challenges: tuple[str, ...] = ('Bearer realm="http://ADDRESS/token",service="registry"',),
    accepts: str = "Bearer good",
) -> Iterator[ImageReference]:
    """An image in a registry that wants a token, whose token server answers like this."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            assert self.headers["User-Agent"] == "gitlab-deploy"
            if self.headers["Authorization"] == accepts:
                self.send_response(200)
                self.send_header("Docker-Content-Digest", DIGEST)
            else:
                self.send_response(401)
                for challenge in challenges:
                    self.send_header("WWW-Authenticate", challenge.replace("ADDRESS", address))
            self.end_headers()

        def do_GET(self) -> None:
            assert self.headers["User-Agent"] == "gitlab-deploy"
            token_server(self)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            pass

    with serving(Handler) as address:
        yield ImageReference.parse(f"{address}/group/blog:1.0.0")


def answer(body: bytes) -> Answer:
    def send(handler: http.server.BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return send


BEARER = 'Bearer realm="http://ADDRESS/token",service="a, Basic b"'


@pytest.mark.parametrize(
    "challenges",
    [
        ('Basic realm="Registry, with a comma"', BEARER),
        (BEARER, 'Basic realm="Registry"'),
        (f'Basic realm="Registry, with a comma", {BEARER}',),
        (f'{BEARER}, Basic realm="Registry"',),
        (f"Negotiate, {BEARER}",),
        (f"Negotiate YWJj==, {BEARER}",),
        ('BEARER Realm = "http://ADDRESS/token" , service=registry',),
    ],
)
def test_every_challenge_of_a_registry_is_read(challenges: tuple[str, ...]) -> None:
    with registry(answer(b'{"token":"good"}'), challenges) as image:
        assert str(pinned(image, {"HOME": "/nowhere"})) == f"{image}@{DIGEST}"


@pytest.mark.parametrize(
    ("challenges", "is_pinned"),
    [
        (('Basic realm="Registry"',), True),
        (('Negotiate, Basic realm="Registry"',), True),
        (("Negotiate", "basic"), True),
        (('Digest realm="Basic"',), False),
        ((), False),
    ],
)
def test_a_login_is_sent_as_it_is_to_who_asks_for_that(challenges: tuple[str, ...], *, is_pinned: bool) -> None:
    with registry(answer(b"{}"), challenges, accepts="Basic dTpw") as image:
        auths = json.dumps({"auths": {image.name.partition("/")[0]: {"auth": "dTpw"}}})
        assert (pinned(image, {"DOCKER_AUTH_CONFIG": auths}) != image) is is_pinned


@pytest.mark.parametrize("key", ["token", "access_token"])
def test_tag_is_pinned_by_a_token_under_either_of_its_names(key: str) -> None:
    with registry(answer(json.dumps({key: "good"}).encode())) as image:
        assert str(pinned(image, {"HOME": "/nowhere"})) == f"{image}@{DIGEST}"


@pytest.mark.parametrize(
    "body",
    [
        *(b'{"errors":[]}', b"[]", b"null", b'"good"', b'{"token":["good"]}', b'{"token":{}}', b"", b"\xff"),
        *(b'{"token":"a\\nb"}', '{"token":"ä€"}'.encode(), b"[" * 100_000),
    ],
)
def test_token_server_that_gives_no_token_leaves_the_tag(body: bytes) -> None:
    with registry(answer(body)) as image:
        assert pinned(image, {"HOME": "/nowhere"}) == image


@pytest.mark.parametrize(
    "text",
    [
        *("[]", "null", "7", '{"auths":[]}', '{"auths":{"HOST":[]}}', '{"auths":{"HOST":"x"}}'),
        *('{"auths":{"HOST":{"auth":7}}}', "[" * 100_000),
    ],
)
def test_docker_login_of_another_shape_is_no_login(text: str) -> None:
    with registry(answer(b'{"token":"good"}')) as image:
        host = image.name.partition("/")[0]
        asked = pinned(image, {"DOCKER_AUTH_CONFIG": text.replace("HOST", host)})
        assert str(asked) == f"{image}@{DIGEST}"


def test_all_of_it_is_given_up_together_though_a_server_drips(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digest, "TOTAL_SECONDS", 0.3)
    drip = Drip(200)
    with registry(drip) as image:
        assert pinned(image, {"HOME": "/nowhere"}) == image
        assert not drip.ended.is_set()
        drip.enough.set()


def test_no_more_than_a_mebibyte_is_read() -> None:
    sent = []

    def pour(handler: http.server.BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        try:
            for _ in range(300):
                handler.wfile.write(b" " * (1 << 20))
                sent.append(1)
        except OSError:
            pass

    with registry(pour) as image:
        assert pinned(image, {"HOME": "/nowhere"}) == image
    # The machine's own buffers take some.
    assert len(sent) < 20
