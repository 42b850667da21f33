"""`python -m ops verify` asks a site on a Docker host: over TLS, by its name, through the host's own Traefik."""

import argparse
import json
import os
import signal
from collections.abc import Mapping
from pathlib import Path

import pytest

from ops.checks import route
from ops.commands import verify as command
from ops.ops_error import OpsError
from ops.site import endpoint
from sandbox.machine.files import write
from sandbox.machine.waiting import wait
from tests.support.docker_sandbox import LABELS, SITE, Sandbox
from tests.support.programs import program

LABELLED = LABELS | {"gitlab-deploy.id": "own-id"}


class Verify:
    """The command, in a shell where `pulumi` has a stack's outputs and nothing else."""

    def __init__(
        self, docker: Sandbox, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        self.docker = docker
        self.authority = str(docker.docker.certificate.authority)
        self.site = f"https://{SITE}/version.txt"
        self._capsys = capsys
        outputs = {
            "address": docker.docker.address,
            "hostKey": docker.docker.host_key,
            "identityFile": str(docker.docker.key),
            "image": docker.image("1.0.0"),
            "host": SITE,
            "container": "one",
        }
        (folder / "outputs.json").write_text(
            json.dumps({"identity": LABELLED["gitlab-deploy.id"], "dockerHost": outputs})
        )
        program(folder / "bin", "pulumi", f"cat {folder}/outputs.json")
        monkeypatch.setenv("PATH", f"{folder}/bin:{os.environ['PATH']}")
        monkeypatch.setenv("SITE_CA_FILE", self.authority)

    def start(self, labels: Mapping[str, str] = LABELLED) -> None:
        self.docker.run("one", "1.0.0", labels=labels)
        self.docker.wait_for("one")

    def __call__(self, *arguments: str) -> str:
        """What is said of the site; that the exit status agrees is checked here."""
        parser = argparse.ArgumentParser()
        command.add_arguments(parser)
        status = command.run(parser.parse_args(["--path", "/version.txt", *arguments]))
        container, said, _ = self._capsys.readouterr().out.splitlines()
        assert container.startswith("ok    ssh://deploy@")
        assert status == said.startswith("FAIL")
        return said


@pytest.fixture
def verify(
    docker: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Verify:
    return Verify(docker, tmp_path, monkeypatch, capsys)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """For what gets no better."""
    monkeypatch.setattr(route, "ROUTED_SECONDS", 0)


def test_a_job_that_does_not_reach_the_proxy_asks_from_the_docker_host(verify: Verify) -> None:
    verify.start()
    assert verify("--job", "--expect", "1.0.0") == (
        f"ok    {verify.site}, asked from the Docker host at 127.0.0.1:443: answers over TLS, status 200 with '1.0.0'"
    )


def test_the_proxy_is_asked_at_the_address_that_is_given(verify: Verify, monkeypatch: pytest.MonkeyPatch) -> None:
    verify.start()
    proxy = verify.docker.docker.proxy
    for address in (proxy, f"{proxy}:443"):
        assert verify("--proxy", address) == f"ok    {verify.site} at {proxy}:443: answers over TLS, status 200"
    monkeypatch.setattr(route, "ROUTED_SECONDS", 0)
    said = verify("--proxy", proxy, "--expect", "2.0.0")
    assert said.startswith(f"FAIL  {verify.site} at {proxy}:443: answers over TLS")
    assert said.endswith("with '2.0.0', but the answer does not hold it")


@pytest.mark.parametrize("job", [True, False])
def test_a_wrong_entry_point_is_red_and_named(verify: Verify, monkeypatch: pytest.MonkeyPatch, job: bool) -> None:
    verify.start(LABELLED | {"traefik.http.routers.blog.entrypoints": "websecured"})
    # Longer than Traefik takes to route to a container.
    monkeypatch.setattr(route, "ROUTED_SECONDS", 6)
    said = verify("--job") if job else verify("--proxy", verify.docker.docker.proxy)
    assert said.startswith(f"FAIL  {verify.site}")
    assert said.endswith(
        "answers over TLS, but: 404 page not found, which Traefik says if it has no router for the name; "
        "the container's is for entry point 'websecured': see that Traefik has it and listens there "
        "(gitlab-deploy:dockerHost.entryPoint)"
    )


def test_a_page_that_the_site_does_not_have_is_red_without_blame_for_the_proxy(
    verify: Verify, monkeypatch: pytest.MonkeyPatch
) -> None:
    verify.start()
    assert verify("--job").startswith("ok")
    monkeypatch.setattr(route, "ROUTED_SECONDS", 0)
    said = verify("--job", "--path", "/nowhere")
    assert said.startswith("FAIL  https://")
    assert said.endswith("answers over TLS, but: status 404")


@pytest.mark.usefixtures("impatient")
def test_a_certificate_of_an_unknown_authority_is_never_accepted(
    verify: Verify, monkeypatch: pytest.MonkeyPatch
) -> None:
    verify.start()
    monkeypatch.delenv("SITE_CA_FILE")
    for arguments in (("--job",), ("--proxy", verify.docker.docker.proxy)):
        said = verify(*arguments)
        assert said.startswith("FAIL  https://")
        assert said.endswith(
            ", but: its certificate is not accepted (unable to get local issuer certificate); if an authority of your "
            "own has signed it, name that authority's file with --ca or in SITE_CA_FILE; if not, see that the proxy "
            "has a valid one for the name (gitlab-deploy:dockerHost.certResolver)"
        )


def test_an_authority_is_named_by_its_file(verify: Verify, monkeypatch: pytest.MonkeyPatch) -> None:
    verify.start()
    monkeypatch.delenv("SITE_CA_FILE")
    for arguments in (("--job",), ("--proxy", verify.docker.docker.proxy)):
        assert verify(*arguments, "--ca", verify.authority).startswith("ok    https://")
    with pytest.raises(OpsError, match=r"/dev/null: .*; --ca and SITE_CA_FILE name a file of certificates in PEM"):
        verify("--job", "--ca", "/dev/null")


@pytest.mark.usefixtures("impatient")
def test_a_proxy_that_nothing_reaches_is_red_with_both_reasons(verify: Verify) -> None:
    verify.start()
    at = f"{verify.docker.docker.proxy}:444"
    assert verify("--proxy", at) == (
        f"FAIL  {verify.site}, asked from the Docker host at {at}, but: Connection refused; "
        "and from here: Connection refused; name the proxy with --proxy"
    )


@pytest.mark.usefixtures("impatient")
def test_an_sshd_that_allows_no_forwarding_is_named(verify: Verify) -> None:
    verify.start()
    sshd = verify.docker.folder / "docker" / "sshd_config"
    allowing = sshd.read_text()
    process = verify.docker.state.process("docker/sshd")
    assert process
    write(sshd, f"{allowing}AllowTcpForwarding no\n")
    try:
        # It reads its file again.
        os.kill(process.pid, signal.SIGHUP)
        where = f"FAIL  {verify.site}, asked from the Docker host at 127.0.0.1:443"
        refused = f"{where}, but: its sshd allows no forwarding (AllowTcpForwarding, PermitOpen); and from here: "
        assert wait(lambda: verify("--job").startswith(refused), 20)
    finally:
        write(sshd, allowing)
        os.kill(process.pid, signal.SIGHUP)
    assert wait(lambda: verify("--job").startswith("ok"), 20)


@pytest.mark.parametrize("address", ["https://192.0.2.7", "192.0.2.7/", "deploy@192.0.2.7", "192.0.2.7:https", ":443"])
def test_a_proxy_that_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="is no address; write ADDRESS or ADDRESS:PORT, such as 192"):
        endpoint(address)
