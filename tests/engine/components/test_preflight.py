"""The preflight takes every kubeconfig that kubectl itself takes, and names what is wrong with the others."""

import ssl
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
import yaml

from components import preflight
from sandbox.hosts.certificate import Certificate, certificate
from tests.support.answering import serving
from tests.support.socks import socks_proxy

Problem = Callable[..., str | None]


@pytest.fixture(scope="module")
def issued(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return certificate(tmp_path_factory.mktemp("certificates"), ["kubernetes.default.svc"])


@pytest.fixture(scope="module")
def server(issued: Certificate) -> Iterator[str]:
    """HOST:PORT of an API server with that certificate, which refuses everybody."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(403)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            pass

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(issued.server)
    with serving(Handler, context) as address:
        yield address


@pytest.fixture
def asked(tmp_path: Path, engine: dict[str, str]) -> Problem:
    """What the preflight says with a kubeconfig for this cluster and these variables of the environment."""

    def ask(
        file: Path = tmp_path / "kubeconfig", /, variables: dict[str, str] | None = None, **cluster: Any
    ) -> str | None:
        if cluster:
            file.write_text(kubeconfig(**cluster))
        return preflight.kubernetes_problem(engine | {"KUBECONFIG": str(file)} | (variables or {}))

    return ask


def kubeconfig(**cluster: Any) -> str:
    config: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "one",
        "contexts": [{"name": name, "context": {"cluster": "c", "user": "u"}} for name in ("one", "two")],
        "clusters": [{"name": "c", "cluster": {key.replace("_", "-"): value for key, value in cluster.items()}}],
        "users": [{"name": "u", "user": {"token": "canary"}}],
    }
    return yaml.safe_dump(config)


def test_name_of_the_certificate_may_be_another_one(asked: Problem, issued: Certificate, server: str) -> None:
    trusted = {"server": f"https://{server}", "certificate_authority": str(issued.authority)}
    assert asked(**trusted, tls_server_name="kubernetes.default.svc") is None
    problem = asked(**trusted)
    assert problem
    assert problem.startswith(f"The Kubernetes API server https://{server} does not answer (")
    assert "x509" in problem


def test_proxy_may_be_a_socks_proxy_of_the_kubeconfig_or_of_the_environment(
    asked: Problem, issued: Certificate, server: str
) -> None:
    away = {"server": "https://kubernetes.default.svc:6443", "certificate_authority": str(issued.authority)}
    with socks_proxy(server) as proxy:
        assert asked(**away, proxy_url=f"socks5://{proxy}") is None
        assert asked(variables={"HTTPS_PROXY": f"socks5://{proxy}"}, **away) is None
    problem = asked(variables={"HTTPS_PROXY": "socks5://127.0.0.1:1"}, **away)
    assert problem
    assert "does not answer" in problem


def test_block_of_addresses_may_be_without_the_proxy(
    asked: Problem, issued: Certificate, server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Nobody answers there.
    monkeypatch.setattr(preflight, "TIMEOUT_SECONDS", 1)
    # Every proxy is left out for addresses of the machine itself, so it takes one of its other addresses to tell.
    near = {"server": "https://10.255.255.254:6443", "certificate_authority": str(issued.authority)}
    proxies = {"HTTPS_PROXY": f"http://{server}", "NO_PROXY": "10.255.0.0/16"}
    through = asked(variables=proxies | {"NO_PROXY": ""}, **near)
    past = asked(variables=proxies, **near)
    assert through
    assert past
    assert through != past


def test_several_files_are_one_kubeconfig(asked: Problem, server: str, tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.write_text("current-context: one\n")
    second.write_text(
        kubeconfig(server=f"https://{server}", insecure_skip_tls_verify=True).replace("context: one", "context: gone")
    )
    assert asked(Path(f"{tmp_path / 'missing'}:{first}:{second}")) is None


def test_context_that_is_not_chosen_or_not_there_is_named_with_the_command(asked: Problem, tmp_path: Path) -> None:
    file = tmp_path / "kubeconfig"
    for change in (("current-context: one\n", ""), ("current-context: one", "current-context: gone")):
        file.write_text(kubeconfig(server="https://k8s:6443").replace(*change))
        problem = asked(file)
        assert problem
        assert f"The kubeconfig {file} has no current context that is complete" in problem
        assert "choose one with 'kubectl config use-context NAME', NAME being one of: one, two" in problem
        assert "canary" not in problem


@pytest.mark.parametrize("text", ["", "a: [", "current-context: gone\n", "- a\n", "\x00"])
def test_file_that_is_no_kubeconfig_is_one_sentence_that_does_not_show_it(
    asked: Problem, tmp_path: Path, text: str
) -> None:
    file = tmp_path / "kubeconfig"
    file.write_text(text)
    problem = asked(file)
    assert problem
    assert problem.startswith(f"The kubeconfig {file} ")
    assert "\n" not in problem


def test_kubeconfig_without_a_user_is_one_sentence(asked: Problem, tmp_path: Path) -> None:
    file = tmp_path / "kubeconfig"
    file.write_text(kubeconfig(server="https://127.0.0.1:1").replace(", user: u", "").replace("    user: u\n", ""))
    assert asked(file) == (
        f"The kubeconfig {file} has no user in its current context, and kubectl asks for one; add the user"
    )


def test_closed_port_and_unknown_host_are_named(asked: Problem) -> None:
    for address in ("https://127.0.0.1:1", "https://nowhere.invalid:6443"):
        problem = asked(server=address)
        assert problem
        assert f"The Kubernetes API server {address} does not answer (" in problem
