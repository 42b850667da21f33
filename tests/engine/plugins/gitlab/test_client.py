"""The client against the double, and against a server that is not GitLab."""

import datetime
import json
import ssl
import time
from http.server import BaseHTTPRequestHandler
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from sandbox.plugins.gitlab.client import ApiError, Client, project_path
from tests.support.answering import serving
from tests.support.gitlab_double import GitLabDouble

TOKEN = "glpat-the-canary-token"


class Page(BaseHTTPRequestHandler):
    """Answers as a server that is not GitLab: an object for the user, a page for anything else."""

    def do_GET(self) -> None:
        body = json.dumps({"id": 1}) if self.path == "/api/v4/user" else "<html>Welcome</html>"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: object) -> None:
        """Print nothing."""


def self_signed(folder: Path) -> tuple[Path, ssl.SSLContext]:
    """Write a certificate for 127.0.0.1 and its key, and return the file and a server's context."""
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


def create(client: Client, value: str = "the canary value") -> None:
    client.call("post", project_path("group/blog", "variables"), body={"key": "KUBECONFIG", "value": value})


@pytest.mark.parametrize("suffix", ["", "/", "/api/v4", "/api/v4/"])
def test_the_base_url_may_have_the_apis_path_or_not(gitlab_double: GitLabDouble, suffix: str) -> None:
    client = Client(gitlab_double.url + suffix, gitlab_double.token, verify=True)
    assert client.base_url == f"{gitlab_double.url}/api/v4"
    assert client.call("get", "/user")["username"] == "maintainer"


def test_a_server_that_is_not_gitlab_gives_the_words_of_gos_parser() -> None:
    with (
        serving(Page) as address,
        pytest.raises(ApiError, match=r"^invalid character '<' looking for beginning of value$"),
    ):
        Client(f"http://{address}", TOKEN, verify=True).call("get", "/projects/1")


def test_tls_is_verified_with_the_ca_file_unless_the_setting_says_not_to(tmp_path: Path) -> None:
    file, context = self_signed(tmp_path)
    with serving(Page, context) as address:
        assert Client(f"https://{address}", TOKEN, verify=str(file)).call("get", "/user") == {"id": 1}
        with pytest.warns(match="Unverified HTTPS request"):
            assert Client(f"https://{address}", TOKEN, verify=False).call("get", "/user") == {"id": 1}
        with pytest.raises(ApiError, match="x509: certificate signed by unknown authority"):
            Client(f"https://{address}", TOKEN, verify=True).call("get", "/user")


def test_429_waits_for_the_reset_and_5xx_ever_longer(
    gitlab_double: GitLabDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    monkeypatch.setattr(time, "sleep", waits.append)
    monkeypatch.setattr(time, "time", lambda: 1000.0)
    gitlab_double.faults({"method": "POST", "path": "/variables", "status": 502, "times": 3})
    create(Client(gitlab_double.url, gitlab_double.token, verify=True))
    assert waits == pytest.approx([0.8, 1.6, 2.4])
    waits.clear()
    gitlab_double.faults({"method": "GET", "path": "/user", "status": 429})
    Client(gitlab_double.url, gitlab_double.token, verify=True).call("get", "/user")
    assert waits[0] > 1_000_000_000  # the double's RateLimit-Reset is the real time


def test_a_request_is_sent_at_most_eleven_times(gitlab_double: GitLabDouble, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "sleep", lambda _: None)
    client = Client(gitlab_double.url, gitlab_double.token, verify=True)
    gitlab_double.faults({"method": "POST", "path": "/variables", "status": 500, "times": 11})
    with pytest.raises(ApiError, match=r"/variables: 500 \{message: 500 Internal Server Error\}$"):
        create(client)
    create(client)


def test_refusals_have_the_words_of_client_go(gitlab_double: GitLabDouble) -> None:
    def refusal(token: str, project: str = "group/blog", value: str = "value") -> str:
        body = {"key": "KUBECONFIG", "value": value, "masked": True}
        with pytest.raises(ApiError) as caught:
            Client(gitlab_double.url, token, verify=True).call("post", project_path(project, "variables"), body=body)
        return str(caught.value)

    url = f"POST {gitlab_double.url}/api/v4/projects/group/blog/variables"
    assert refusal(gitlab_double.token) == f"{url}: 400 {{message: {{value: [is invalid]}}}}"
    assert refusal(gitlab_double.new_token(access_level=30)) == f"{url}: 403 {{message: 403 Forbidden}}"
    assert refusal(gitlab_double.token, "group/nowhere") == "404 Not Found"
    assert refusal(gitlab_double.new_token(revoked=True)) == (
        f"{url}: 401 {{error: invalid_token}}, "
        "{error_description: Token was revoked. You have to re-authorize from the user.}"
    )
