"""The client against the double, and against servers that GitLab is not."""

import datetime
import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from sandbox.plugins.gitlab import client as module
from sandbox.plugins.gitlab.client import Client, PluginError, RefusalError, project_path
from tests.support.gitlab_double import GitLabDouble

TOKEN = "glpat-the-canary-token"


class Echo(BaseHTTPRequestHandler):
    """Tells whoever asks what they have sent, as a careless proxy may, in an error in GitLab's form."""

    def do_POST(self) -> None:
        sent = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self._reply(400, json.dumps({"message": {"base": [f"{self.headers['Authorization']} sent {sent}"]}}))

    def do_GET(self) -> None:
        self._reply(200, json.dumps({"id": 1}) if self.path == "/api/v4/user" else "<html>Welcome</html>")

    def _reply(self, status: int, body: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@contextmanager
def echo(context: ssl.SSLContext | None = None) -> Iterator[str]:
    """Serve Echo on a free port, over TLS where a context is given, and give `host:port`."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def self_signed(folder: Path) -> tuple[Path, ssl.SSLContext]:
    """Write a certificate for 127.0.0.1 and its key, and give the file and a server's context."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "double")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder(
            name, name, key.public_key(), x509.random_serial_number(), now, now + datetime.timedelta(1)
        )
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = folder / "certificate.pem"
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM) + key.private_bytes(*form))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return file, context


def create(client: Client) -> None:
    body = {"key": "KUBECONFIG", "value": "the canary value"}
    client.call("post", project_path("group/blog", "variables"), "create variable KUBECONFIG", body=body)


@pytest.mark.parametrize("suffix", ["", "/", "/api/v4", "/api/v4/"])
def test_the_base_url_may_have_the_apis_path_or_not(gitlab_double: GitLabDouble, suffix: str) -> None:
    client = Client(gitlab_double.url + suffix, gitlab_double.token, verify=True)
    assert client.base_url == f"{gitlab_double.url}/api/v4"
    assert client.call("get", "/user", "tell")["username"] == "maintainer"


def test_no_error_holds_a_token_or_value_even_if_the_server_returns_them() -> None:
    with echo() as address, pytest.raises(RefusalError) as caught:
        create(Client(f"http://{address}", TOKEN, verify=True))
    assert caught.value.status == 400
    assert '(400 base Bearer [secret] sent {"key": "KUBECONFIG", "value": "[secret]"})' in str(caught.value)
    assert caught.value.__suppress_context__


def test_a_server_that_is_not_gitlab_is_told() -> None:
    with echo() as address, pytest.raises(PluginError, match="is not GitLab's API: check baseUrl"):
        Client(f"http://{address}", TOKEN, verify=True).call("get", "/projects/1", "read project 1")


def test_tls_is_verified_with_the_ca_file_unless_told_not_to(tmp_path: Path) -> None:
    file, context = self_signed(tmp_path)
    with echo(context) as address:
        assert Client(f"https://{address}", TOKEN, verify=str(file)).call("get", "/user", "tell") == {"id": 1}
        with pytest.warns(match="Unverified HTTPS request"):
            assert Client(f"https://{address}", TOKEN, verify=False).call("get", "/user", "tell") == {"id": 1}
        with pytest.raises(PluginError, match="its TLS certificate is not trusted"):
            Client(f"https://{address}", TOKEN, verify=True).call("get", "/user", "tell")


def test_gitlab_is_asked_again_only_so_many_times(gitlab_double: GitLabDouble, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_RETRIES", 2)
    gitlab_double.faults({"method": "POST", "path": "/variables", "status": 502, "times": 4})
    client = Client(gitlab_double.url, gitlab_double.token, verify=True)
    with pytest.raises(
        RefusalError, match=r"did not create variable KUBECONFIG \(502 Bad Gateway\): try again later\."
    ):
        create(client)
    create(client)


def test_gitlab_is_not_waited_for_longer_than_the_bound(
    gitlab_double: GitLabDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RETRY_SECONDS", 0)
    gitlab_double.faults({"method": "POST", "path": "/variables", "status": 429})
    with pytest.raises(PluginError, match=r"is busy \(429\) and asks to wait 1 s"):
        create(Client(gitlab_double.url, gitlab_double.token, verify=True))


def test_too_low_a_role_and_too_small_a_scope_are_told_with_what_is_needed(gitlab_double: GitLabDouble) -> None:
    for token in (gitlab_double.new_token(access_level=30), gitlab_double.new_token(scopes=("read_api",))):
        with pytest.raises(RefusalError) as caught:
            create(Client(gitlab_double.url, token, verify=True))
        assert caught.value.status == 403
        assert "scope `api` and in the project the Maintainer role" in str(caught.value)
