"""The Docker host as users have it: `pulumi up` over ssh, while the site is asked for all the time."""

import os
import re
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from sandbox.instance import Instance
from sandbox.machine.waiting import wait
from tests.support.cluster import REPOSITORY
from tests.support.counts import Servers
from tests.support.docker_stack import BROKEN_CHECK, HOST, DockerStack, Load, connections, logins
from tests.support.project import leaks
from tests.support.proxied import ask


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("docker")


@pytest.fixture(scope="module")
def sockets() -> Iterator[Path]:
    """The user's folder for sockets, whose path has to be short."""
    with TemporaryDirectory(prefix="run-") as made:
        yield Path(made)


@pytest.fixture(scope="module")
def blog(instance: Instance, images: dict[str, str], folder: Path, sockets: Path) -> Iterator[DockerStack]:
    """The stack `sandbox`, put up once for the tests of this module, and destroyed after them."""
    assert set(images) == {"1.0.0", "2.0.0"}
    stack = DockerStack(instance, folder, os.environ | instance.environment() | {"XDG_RUNTIME_DIR": str(sockets)})
    stack.up()
    yield stack
    stack.destroy()
    assert stack.containers() == []
    assert stack.deploy_tokens() == {}
    # Runs that failed were among them.
    assert list(sockets.iterdir()) == []


class Secrets(dict[str, str]):
    """What must appear nowhere, not in a failed test either; a test adds what it makes."""

    def __repr__(self) -> str:
        return f"Secrets({', '.join(self)})"


@pytest.fixture(scope="module")
def secrets(blog: DockerStack) -> Secrets:
    return Secrets({"GitLab token": blog.project.environment["GITLAB_TOKEN"], "first deploy token": blog.password()})


def test_no_request_fails_or_meets_an_old_version_while_the_image_changes(blog: DockerStack) -> None:
    blog.wait_for("1.0.0")
    ups, connected = [], set()
    with Load(blog.instance) as load:
        for version in ("2.0.0", "1.0.0") * 2:
            with Servers(blog.instance).counted() as asked:
                blog.deploy(version)
            ups.append((time.monotonic(), version))
            connected.add(asked.connections)
        assert wait(lambda: load.answers[-1].asked > ups[-1][0] + 1, 10)
    assert load.failed == []
    for done, version in ups:
        assert load.versions(done, done + 1) == {version}
    assert len(blog.containers()) == 1
    # The program's own, over which all that it runs goes, and the provider's.
    assert connected == {2}


def test_environment_reaches_the_container_and_is_secret(blog: DockerStack, secrets: Secrets) -> None:
    secrets["environment"] = "canary-0f2a9c71"
    secret = ("config", "set", "--secret", "--path", "gitlab-deploy:app.secrets.CANARY")
    assert blog.project.pulumi(*secret, stdin=secrets["environment"]).code == 0
    blog.up()
    assert f"CANARY={secrets['environment']}" in blog.inspect()["Config"]["Env"]


def test_unchanged_stack_takes_a_few_connections_that_end_with_the_run(blog: DockerStack, sockets: Path) -> None:
    before = blog.containers()
    for arguments in (("--expect-no-changes",), ("--expect-no-changes", "--refresh")):
        known = logins(blog.instance)
        blog.up(*arguments)
        assert 1 <= logins(blog.instance) - known <= 4
        assert wait(lambda: connections(blog.instance) == 0, 10)
        assert list(sockets.iterdir()) == []
    assert blog.summary("--expect-no-changes") == {}
    assert blog.containers() == before


def test_an_image_that_never_gets_healthy_is_removed_while_the_old_one_serves(blog: DockerStack) -> None:
    before = blog.containers()
    # An old container need not drain in what follows.
    blog.change("app", health={"command": BROKEN_CHECK})
    blog.change(waitSeconds=15, stopSeconds=1)
    with Load(blog.instance) as load:
        run = blog.project.pulumi("up", "--yes", "--skip-preview")
    assert run.code != 0
    assert load.failed == []
    assert {answer.body for answer in load.answers} == {"1.0.0"}
    assert blog.containers() == before
    assert "container failed to be in healthy state" in run.text
    # A slow machine may not have asked it often enough for the second word.
    assert re.search(r": running, (unhealthy|starting)\n", run.text)
    assert "health check: exit 1, Connecting to 127.0.0.1:8080" in run.text
    assert "404 Not Found" in run.text
    assert re.search(r'log: \{"level":.*"uri":"/nowhere"', run.text)

    blog.change("app", health={"path": "/healthz"})
    blog.change(waitSeconds=None)
    blog.deploy("2.0.0")
    blog.wait_for("2.0.0")
    assert len(blog.containers()) == 1


def test_a_review_app_lives_beside_the_site_and_goes_without_a_trace(blog: DockerStack, folder: Path) -> None:
    host = f"review-1.{HOST}"
    review = DockerStack(blog.instance, folder, blog.project.environment, "review-1", host=host, stopSeconds=1)
    with Load(blog.instance) as load:
        review.up()
        review.wait_for("1.0.0", host)
        assert blog.site() == "2.0.0"
        assert set(blog.containers()).isdisjoint(review.containers())
        review.destroy()
    assert load.failed == []
    assert {answer.body for answer in load.answers} == {"2.0.0"}
    assert review.containers() == []
    assert review.deploy_tokens() == {}
    # A request to a container that is gone gets no answer until Traefik knows.
    assert wait(lambda: ask(blog.instance.docker, host).status == 404, 30)
    assert len(blog.containers()) == 1


def test_an_image_that_crashes_is_not_waited_for(blog: DockerStack, broken: None) -> None:
    assert broken is None
    before = blog.containers()
    blog.choose("crashes")
    with Load(blog.instance) as load:
        run = blog.project.pulumi("up", "--yes", "--skip-preview")
    assert run.code != 0
    assert load.failed == []
    assert {answer.body for answer in load.answers} == {"2.0.0"}
    assert blog.containers() == before
    assert "crash-loops, and is not waited for:\n" in run.text
    assert "log: wget: can't connect to remote host (127.0.0.1): Connection refused" in run.text
    blog.deploy("2.0.0")
    blog.wait_for("2.0.0")
    assert len(blog.containers()) == 1


def test_files_and_volumes_are_there_and_a_published_port_is_on_loopback_alone(
    instance: Instance, images: dict[str, str], tmp_path: Path
) -> None:
    assert images
    stack = DockerStack(
        instance,
        tmp_path,
        os.environ | instance.environment(),
        "fixed",
        host=None,
        stopSeconds=1,
        publish={"port": 8085},
        files={"/srv/version.txt": "from the stack file\n"},
        volumes={"/srv/kept": "kept"},
    )
    stack.up()
    assert stack.containers() == ["web-fixed"]
    container = stack.inspect()
    assert container["HostConfig"]["PortBindings"] == {"8080/tcp": [{"HostIp": "127.0.0.1", "HostPort": "8085"}]}
    assert [(mount["Name"], mount["Destination"]) for mount in container["Mounts"]] == [("kept", "/srv/kept")]
    assert container["NetworkSettings"]["Networks"].keys() == {"bridge"}
    read = "from urllib.request import urlopen; print(urlopen('http://127.0.0.1:8085/version.txt').read().decode())"
    assert stack.on_host(sys.executable, "-c", read) == "from the stack file"
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((instance.network.address("docker"), 8085), timeout=10)
    preview = stack.project.pulumi("preview", "--expect-no-changes")
    assert preview.code == 0, preview.text
    assert "Port 8085 is published, so a new container of web-fixed can only start once the old one" in preview.text
    stack.deploy("2.0.0")
    assert stack.containers() == ["web-fixed"]
    assert stack.inspect()["State"]["Health"]["Status"] == "healthy"
    stack.destroy()
    assert stack.containers() == []


def test_a_revoked_deploy_token_is_really_refused_and_a_refresh_makes_another(
    blog: DockerStack, secrets: Secrets
) -> None:
    (token,) = blog.deploy_tokens().values()
    token.delete()
    blog.forget_image("1.0.0")
    blog.choose("1.0.0")
    run = blog.project.pulumi("up", "--yes", "--skip-preview")
    assert run.code != 0
    assert f"The Docker host {blog.instance.docker.address} cannot pull {REPOSITORY}:1.0.0: Head" in run.text
    assert "unauthorized: HTTP Basic: Access denied." in run.text
    assert "if the deploy token of the block registry was revoked or has expired, 'pulumi up --refresh'" in run.text
    assert blog.site() == "2.0.0"

    blog.up("--refresh")
    secrets["second deploy token"] = blog.password()
    blog.wait_for("1.0.0")


def test_rotation_creates_the_new_deploy_token_first_so_pulls_keep_working(blog: DockerStack, secrets: Secrets) -> None:
    (old,) = blog.deploy_tokens()
    blog.set("registry.rotation", "2026-12")
    container = blog.containers()
    log = blog.up().stdout
    secrets["third deploy token"] = blog.password()
    assert log.index("registry-token created replacement") < log.index("docker updated")
    assert log.index("docker updated") < log.index("registry-token deleting original")
    assert blog.containers() == container
    (new,) = blog.deploy_tokens()
    assert (old, new) == ("gitlab-deploy-sandbox-2026-11", "gitlab-deploy-sandbox-2026-12")
    blog.forget_image("2.0.0")
    blog.deploy("2.0.0")
    blog.wait_for("2.0.0")


def test_no_secret_is_in_any_output_state_or_log(blog: DockerStack, secrets: Secrets) -> None:
    assert len(secrets) == 5
    blog.project.pulumi("preview", "--diff", "--refresh")
    texts = {
        "pulumi stack export": blog.project.export(),
        "pulumi stack output": blog.project.pulumi("stack", "output", "--json").text,
        "stack file": (blog.project.folder / "Pulumi.sandbox.yaml").read_text(),
    }
    for number, run in enumerate(blog.project.runs):
        texts[f"command {number}"] = run.text
    logs = [*blog.instance.folder.glob("log/*.log"), *(blog.instance.folder / "pulumi").rglob("*.log")]
    assert {"dockerd.log", "sshd.log", "registry.log", "gitlab.log"} <= {log.name for log in logs}
    for log in logs:
        texts[log.name] = log.read_text(errors="replace")
    found = [(name, where) for name, secret in secrets.items() for where, text in texts.items() if leaks(secret, text)]
    assert found == []
