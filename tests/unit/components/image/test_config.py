import http.server
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from components.image import config
from components.image.config import ImageConfig
from components.image.reference import ImageReference
from tests.support.answering import Drip, answering, serving

pytestmark = pytest.mark.usefixtures("no_garbage_collection")

NOBODY = {"HOME": "/nowhere"}
INDEX = {
    "manifests": [
        {"digest": "sha256:windows", "platform": {"os": "windows"}},
        {"digest": "sha256:linux", "platform": {"os": "linux", "architecture": "amd64"}},
    ]
}
MANIFEST = {"config": {"digest": "sha256:config"}}


@contextmanager
def registry(
    paths: dict[str, Any], *, token: str | None = None, asked: list[str] | None = None
) -> Iterator[ImageReference]:
    """An image in a registry with these answers by path below the repository; a text is where it redirects to.

    The paths of the requests are added to `asked`.
    """
    seen: list[tuple[str, str | None]] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append((self.path, self.headers["Authorization"]))
            found = {"token": token} if self.path.startswith("/token") else paths.get(self.path.rpartition("blog/")[2])
            if token and self.path.startswith("/v2/") and self.headers["Authorization"] != f"Bearer {token}":
                self.send_response(401)
                self.send_header("WWW-Authenticate", f'Bearer realm="http://{address}/token",service="registry"')
                found = None
            elif isinstance(found, str):
                self.send_response(307)
                self.send_header("Location", found.replace("ADDRESS", address))
                found = None
            else:
                self.send_response(404 if found is None else 200)
            body = b"" if found is None else json.dumps(found).encode()
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            pass

    with serving(Handler) as address:
        yield ImageReference.parse(f"{address}/group/blog:1.0.0")
    if asked is not None:
        asked += [path.partition("?")[0] for path, _ in seen]
    # The login is for the registry, and for nobody that it leads to.
    assert not [path for path, authorization in seen if path.startswith("/store") and authorization]


def image(**fields: Any) -> dict[str, Any]:
    return {"manifests/1.0.0": MANIFEST, "blobs/sha256:config": {"config": fields}}


def test_an_image_is_read_with_a_request_for_each_document_and_one_for_a_token() -> None:
    asked: list[str] = []
    answers = image(User="1000") | {"manifests/1.0.0": INDEX, "manifests/sha256:linux": MANIFEST}
    with registry(answers, token="secret", asked=asked) as found:
        assert config.read(found, NOBODY)
    documents = [f"/v2/group/blog/{path}" for path in ("manifests/1.0.0", "manifests/sha256:linux")]
    # What the first request is refused with says where the token is.
    assert asked == [documents[0], "/token", *documents, "/v2/group/blog/blobs/sha256:config"]


def test_config_of_an_index_is_that_for_linux_with_a_token_and_behind_a_redirect() -> None:
    paths = {
        "manifests/1.0.0": INDEX,
        "manifests/sha256:linux": MANIFEST,
        "blobs/sha256:config": "http://ADDRESS/store/blog/config",
        "config": {"config": {"User": "1000:1000", "ExposedPorts": {"8080/tcp": {}, "53/udp": {}, "80": {}}}},
    }
    with registry(paths, token="good") as blog:
        assert config.read(blog, NOBODY) == ImageConfig(user="1000", ports=frozenset({80, 8080}))


@pytest.mark.parametrize(
    ("user", "is_root"),
    [
        ("", True),
        (None, True),
        ("root", True),
        ("0", True),
        ("0:0", True),
        ("00", True),
        ("1000", False),
        ("app", False),
    ],
)
def test_user_is_root_if_there_is_none(user: str | None, *, is_root: bool) -> None:
    with registry(image(User=user)) as blog:
        found = config.read(blog, NOBODY)
    assert found
    assert found.is_root is is_root


@pytest.mark.parametrize(
    "paths",
    [
        {},
        {"manifests/1.0.0": []},
        {"manifests/1.0.0": {"config": "x"}},
        {"manifests/1.0.0": {"manifests": [{}]}},
        {"manifests/1.0.0": {"manifests": "x"}},
        {"manifests/1.0.0": MANIFEST, "blobs/sha256:config": [1]},
        {"manifests/1.0.0": MANIFEST, "blobs/sha256:config": {"config": [1]}},
        {"manifests/1.0.0": MANIFEST, "blobs/sha256:config": {"config": {"ExposedPorts": 7}}},
        {"manifests/1.0.0": MANIFEST, "blobs/sha256:config": {"config": {"User": "x" * (1 << 20)}}},
        {"manifests/1.0.0": MANIFEST, "blobs/sha256:config": "file:///etc/passwd"},
        {"manifests/1.0.0": MANIFEST, "blobs/sha256:config": "http://example.invalid/store"},
    ],
)
def test_registry_that_does_not_say_leaves_it_unknown(paths: dict[str, Any]) -> None:
    with registry(paths) as blog:
        assert config.read(blog, NOBODY) is None


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (404, {"errors": [{"code": "MANIFEST_UNKNOWN", "message": "manifest unknown"}]}, config.NoImageError),
        (404, {"errors": [{"code": "NAME_UNKNOWN"}]}, config.NoImageError),
        (404, {"error": "not a registry"}, None),
        (404, {"errors": [{"code": "BLOB_UNKNOWN"}]}, None),
        (401, {"errors": [{"code": "UNAUTHORIZED"}]}, config.LoginNeededError),
        (403, {"errors": [{"code": "DENIED"}]}, config.LoginNeededError),
        (403, {"errors": [{"code": "UNAUTHORIZED"}]}, config.LoginNeededError),
        (500, {"errors": [{"code": "MANIFEST_UNKNOWN"}]}, None),
        # What is in front of a registry, such as a firewall or a proxy, says so too.
        (403, "<html>Access denied</html>", None),
        (401, "", None),
        (401, "Not Authorized", None),
        (403, {"message": "DENIED"}, None),
        (403, {"errors": []}, None),
        (403, {"errors": "DENIED"}, None),
        (403, {"errors": ["DENIED"]}, None),
        (403, {"errors": [{"code": "TOOMANYREQUESTS"}]}, None),
        (404, '<html>"code": "MANIFEST_UNKNOWN"</html>', None),
        (401, "[" * 100_000, None),
    ],
)
def test_what_a_registry_does_not_have_or_give_is_known(
    status: int, body: object, expected: type[Exception] | None
) -> None:
    with answering(status, body if isinstance(body, str) else json.dumps(body)) as address:
        blog = ImageReference.parse(f"{address.partition('://')[2]}/group/blog:1.0.0")
        if expected is None:
            assert config.read(blog, NOBODY) is None
        else:
            with pytest.raises(expected):
                config.read(blog, None)


def test_an_error_that_drips_is_given_up_with_all_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config, "TOTAL_SECONDS", 0.3)
    drip = Drip(404)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            drip(self)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            pass

    with serving(Handler) as address:
        assert config.read(ImageReference.parse(f"{address}/group/blog:1.0.0"), NOBODY) is None
        assert not drip.ended.is_set()
        drip.enough.set()


def test_an_error_whose_body_breaks_off_leaves_it_unknown() -> None:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(404)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            self.wfile.write(b'{"errors": [{"code": "MANIFEST_UNKNOWN"}, ')

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            pass

    with serving(Handler) as address:
        assert config.read(ImageReference.parse(f"{address}/group/blog:1.0.0"), NOBODY) is None


def test_image_of_a_name_without_a_host_is_not_asked_for() -> None:
    assert config.read(ImageReference.parse("nginx:1.29"), NOBODY) is None
