import subprocess
from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Any

import pytest

from components.docker_app import host_check
from components.docker_app.host_check import check_host, host_problem
from components.docker_app.remote_docker import ApiAnswer, RemoteDocker, RemoteDockerError, RemoteDockerTimeoutError
from components.settings.docker_host import DockerHost
from tests.support.docker_double import HOST_KEY, DockerDouble, done, listed

TARGET = DockerHost(address="ssh://deploy@host", host_key=HOST_KEY, name="web", host="blog.example.org")


def usable(
    *containers: dict[str, Any], version: str = "1.41", networks: Collection[str] = ("traefik",)
) -> DockerDouble:
    """A host with these containers and networks."""

    def api(_: str, path: str) -> ApiAnswer:
        if path == "/_ping":
            return ApiAnswer(status=200, body="OK", version=version)
        if path.startswith("/networks/"):
            return ApiAnswer(status=200 if path.rpartition("/")[2] in networks else 404, body="{}")
        return listed(*containers)

    return DockerDouble(api=api)


def lost(*_: str) -> ApiAnswer:
    raise RemoteDockerError("Connection reset\x1b[0m")


def fail(stderr: str) -> DockerDouble:
    return DockerDouble(answer=lambda *arguments: done(arguments, stderr=stderr, code=255), api=lost)


@pytest.fixture
def remote(monkeypatch: pytest.MonkeyPatch) -> Callable[[DockerDouble], None]:
    """Has the host of every block answer like this one."""

    def use(double: DockerDouble) -> None:
        monkeypatch.setattr(host_check, "RemoteDocker", type("_", (), {"of": staticmethod(lambda _: double)}))

    return use


def test_host_that_can_be_used_gives_its_containers(remote: Callable[[DockerDouble], None]) -> None:
    remote(usable({"Names": ["/web"]}))
    found = check_host(TARGET)
    assert found.problem is None
    assert [container.name for container in found.containers or ()] == ["web"]
    assert found.api == "1.41"


@pytest.mark.parametrize("status", [200, 403])
def test_version_is_asked_again_of_a_proxy_that_does_not_show_it(status: int) -> None:
    def api(_: str, path: str) -> ApiAnswer:
        if path == "/_ping":
            return ApiAnswer(status=status, body="")
        return ApiAnswer(status=200, body='{"ApiVersion": "1.40"}')

    double = DockerDouble(api=api)
    assert "has Docker API 1.40, older than 1.41" in (host_problem(double) or "")
    assert double.commands == []


def test_stack_without_a_docker_host_has_nothing_to_check() -> None:
    assert check_host(None) == host_check.HostCheck()


def test_problem_is_one_sentence_that_starts_with_the_address() -> None:
    problem = host_problem(fail("ssh: connect to host host port 22: Connection refused"))
    assert problem == (
        "The Docker host ssh://deploy@host cannot be used: nothing listens on that port; check the port, and that sshd "
        "runs"
    )


def test_key_that_is_refused_is_looked_at() -> None:
    problem = host_problem(replace(fail("deploy@h: Permission denied (publickey)."), identity_file="/nowhere/key"))
    assert problem
    assert problem.endswith("there is no private key at /nowhere/key; check gitlab-deploy:dockerHost.identityFile")


def test_host_of_another_key_is_told_apart(remote: Callable[[DockerDouble], None]) -> None:
    remote(fail("REMOTE HOST IDENTIFICATION HAS CHANGED\nHost key verification failed."))
    found = check_host(TARGET)
    assert found.is_another_host
    assert "has the host key of another host, and the stack file pins" in (found.problem or "")


@pytest.mark.parametrize("version", ["1.40", "", "nonsense"])
def test_old_docker_is_refused(version: str) -> None:
    problem = host_problem(usable(version=version))
    assert problem
    # One that is too old for that request says its version by its command.
    assert host_problem(DockerDouble(answer=lambda *arguments: done(arguments, version), api=lost)) == problem
    assert f"has Docker API {version}, older than 1.41; upgrade Docker to 20.10 or newer" in problem


def test_missing_network_of_the_proxy_is_named() -> None:
    problem = host_problem(usable(networks=("other",)), ("other", "traefik"))
    assert problem
    assert "has no network 'traefik'; create it with 'docker network create traefik'" in problem
    assert host_problem(usable(), ("traefik",)) is None
    assert host_problem(usable(networks=())) is None
    host = usable()
    ambiguous = replace(
        host,
        api=lambda method, path: (
            ApiAnswer(status=400, body='{"message": "2 matches found based on name: network traefik is ambiguous"}')
            if path.startswith("/networks/")
            else host.api(method, path)
        ),
    )
    assert host_problem(ambiguous, ("traefik",)) == problem


def test_host_that_answers_nothing_in_time_or_without_ssh_is_a_sentence() -> None:
    def late(*_: str) -> ApiAnswer:
        raise RemoteDockerTimeoutError("no answer")

    def hangs(*arguments: str) -> subprocess.CompletedProcess[str]:
        raise subprocess.TimeoutExpired(arguments, 30)

    def missing(*_: str) -> ApiAnswer:
        raise FileNotFoundError("ssh")

    for double in (DockerDouble(api=late), DockerDouble(api=lost, answer=hangs)):
        assert "does not answer within 30 s" in (host_problem(double) or "")
    assert "there is no ssh on this machine; install an OpenSSH client" in (
        host_problem(DockerDouble(api=missing)) or ""
    )


def test_listing_that_fails_is_a_problem(remote: Callable[[DockerDouble], None]) -> None:
    host = usable()
    remote(replace(host, api=lambda method, path: lost() if path.startswith("/containers") else host.api(method, path)))
    found = check_host(TARGET)
    assert found.problem == (
        "The Docker host ssh://deploy@host does not list its containers (Connection reset); try again"
    )
    assert found.containers is None
    assert isinstance(RemoteDocker.of(TARGET), RemoteDocker)
