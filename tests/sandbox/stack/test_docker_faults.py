"""What goes wrong on a Docker host: each ends with a clear error, and `pulumi up` again makes it good."""

import json
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from components.docker_app.host_check import host_problem
from components.docker_app.remote_docker import RemoteDocker
from components.docker_app.ssh_key import fingerprint
from sandbox.hosts.docker_host import DOCKER, USER
from sandbox.instance import Instance
from sandbox.machine.waiting import wait
from tests.support.cluster import REPOSITORY
from tests.support.docker_stack import DockerStack, host, kill, logins


@pytest.fixture(scope="module")
def blog(instance: Instance, images: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[DockerStack]:
    """The stack `sandbox`, put up once for the tests of this module, and destroyed after them."""
    assert set(images) == {"1.0.0", "2.0.0"}
    stack = DockerStack(instance, tmp_path_factory.mktemp("docker"), os.environ | instance.environment(), stopSeconds=1)
    stack.up()
    stack.wait_for("1.0.0")
    yield stack
    stack.destroy()
    assert stack.containers() == []


@pytest.fixture
def fixed(instance: Instance, images: dict[str, str], tmp_path: Path) -> Iterator[DockerStack]:
    """A stack whose container has a fixed name and a published port; it is not up yet."""
    assert images
    changes = {"host": None, "stopSeconds": 1, "publish": {"port": 8085}}
    stack = DockerStack(instance, tmp_path, os.environ | instance.environment(), "fixed", **changes)
    yield stack
    stack.destroy()
    assert stack.containers() == []


@pytest.fixture
def key(instance: Instance, tmp_path: Path) -> Path:
    """A copy of the private key, of which no shared connection knows."""
    copy = tmp_path / "key"
    shutil.copy(instance.docker.key, copy)
    return copy


def other(stack: DockerStack) -> str:
    """The version of the site that is not up."""
    return "1.0.0" if stack.site() == "2.0.0" else "2.0.0"


def _text(file: Path) -> str:
    try:
        return file.read_text()
    except FileNotFoundError:
        return ""


def refused(stack: DockerStack, *command: str) -> str:
    """What `pulumi up`, or another command, says as it fails."""
    run = stack.project.pulumi(*(command or ("up", "--yes", "--skip-preview")))
    assert run.code != 0, run.text
    return run.text


def assert_converges(stack: DockerStack, version: str) -> None:
    stack.up()
    container = stack.inspect()
    assert container["State"]["Health"]["Status"] == "healthy"
    image = json.loads(stack.on_host(*DOCKER, "image", "inspect", f"{REPOSITORY}:{version}"))[0]
    assert container["Image"] == image["Id"]


def test_sshd_killed_in_the_middle_of_a_create(blog: DockerStack) -> None:
    before, version = blog.site(), other(blog)
    blog.choose(version)

    # Seen in Docker's own files, which takes no time that a create could use to end.
    kept = blog.instance.folder / "docker" / "docker" / "containers"
    known = set(kept.iterdir())

    def is_being_created() -> bool:
        return any('"Running":true' in _text(made / "config.v2.json") for made in set(kept.iterdir()) - known)

    over = threading.Event()

    def cut() -> None:
        if wait(lambda: is_being_created() or over.is_set(), 600):
            kill(blog.instance, "sshd")

    cutting = threading.Thread(target=cut)
    cutting.start()
    try:
        said = refused(blog)
    finally:
        over.set()
        cutting.join()
        blog.instance.docker.start()
    address = blog.instance.docker.address
    assert f"The Docker host {address} cannot be used: nothing listens on that port; check the port, and that" in said
    assert "is replaced by the next 'pulumi up'" in said
    assert len(blog.containers()) == 2
    assert blog.site() in {before, version}
    assert_converges(blog, version)
    blog.wait_for(version)
    assert blog.summary("--expect-no-changes") == {}


def test_a_disk_that_is_full_while_pulling(blog: DockerStack) -> None:
    containers, before, version = blog.containers(), blog.site(), other(blog)
    blog.forget_image(version)
    blog.choose(version)
    downloads = blog.instance.folder / "docker" / "docker" / "tmp"
    blog.on_host("mount", "-t", "tmpfs", "-o", "size=4k", "tmpfs", downloads)
    # Full, since the layer that differs may be smaller than a page.
    blog.on_host("sh", "-c", 'head -c 4096 /dev/zero >"$1"', "sh", downloads / "full")
    try:
        said = refused(blog)
    finally:
        blog.on_host("umount", downloads)
    assert f"The Docker host {blog.instance.docker.address} cannot pull {REPOSITORY}:{version}: " in said
    assert "no space left on device; free some space there, such as by 'docker system prune'" in said
    assert blog.containers() == containers
    assert blog.site() == before
    assert_converges(blog, version)
    blog.wait_for(version)


def test_a_daemon_that_is_stopped(blog: DockerStack) -> None:
    version = other(blog)
    blog.choose(version)
    kill(blog.instance, "dockerd")
    try:
        said = refused(blog)
    finally:
        blog.instance.docker.start()
    address = blog.instance.docker.address
    assert f"The Docker host {address} cannot be used: the Docker daemon is not running; start it" in said
    assert_converges(blog, version)
    blog.wait_for(version)


def test_a_port_and_a_name_that_are_taken(blog: DockerStack, fixed: DockerStack) -> None:
    image = blog.inspect()["Image"]
    fixed.on_host(*DOCKER, "run", "--detach", "--name", "holder", "--publish", "127.0.0.1:8085:80", image)
    try:
        said = refused(fixed)
    finally:
        fixed.on_host(*DOCKER, "rm", "--force", "holder")
    assert "Port 8085 is held by a container that this stack did not create, 'holder'" in said
    assert fixed.containers() == []

    fixed.on_host(*DOCKER, "create", "--name", "web-fixed", image)
    try:
        said = refused(fixed)
    finally:
        # It is still there.
        fixed.on_host(*DOCKER, "rm", "web-fixed")
    assert "The name web-fixed is taken by a container that this stack did not create, 'web-fixed'" in said
    assert_converges(fixed, "1.0.0")


def test_a_host_key_other_than_the_pinned_one_stops_preview_and_up(blog: DockerStack, tmp_path: Path) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "other"], check=True)
    pinned = " ".join((tmp_path / "other.pub").read_text().split()[:2])
    right = blog.instance.docker.host_key
    resources, accepted = blog.resources(), logins(blog.instance)
    blog.change(hostKey=pinned)
    said = [refused(blog, "preview"), refused(blog)]
    blog.change(hostKey=right)
    for text in said:
        assert (
            f"The Docker host {blog.instance.docker.address} has the host key {fingerprint(right)}, and the stack file "
            f"pins {fingerprint(pinned)}; find out why"
        ) in text
    assert logins(blog.instance) == accepted
    assert blog.resources() == resources


def test_what_previews_do_without_the_docker_host_and_up_does_not(blog: DockerStack) -> None:
    address = blog.instance.docker.address
    blog.change(address=f"{address}:2222")
    said = f"The Docker host {address}:2222 cannot be used: nothing listens on that port; check the port, and that sshd"
    run = blog.project.pulumi("preview")
    assert run.code == 0
    assert f"warning: {said}" in run.text
    assert said in refused(blog)
    blog.change(address=address)


def test_nothing_in_an_address_becomes_an_option_of_ssh(blog: DockerStack, tmp_path: Path) -> None:
    proof = tmp_path / "proof"
    for address in (f"ssh://-oProxyCommand=touch${{IFS}}{proof}@host", f"ssh://deploy@-oProxyCommand=touch {proof}"):
        blog.change(address=address)
        assert "is not the address of a Docker host; use ssh://USER@HOST, or" in refused(blog, "preview")
    blog.change(address=blog.instance.docker.address)
    assert not proof.exists()


def problem_of(instance: Instance, key: Path, user: str = USER) -> str:
    """Why this user with this key cannot use the Docker host."""
    address = f"ssh://{user}@{instance.network.address('docker')}"
    remote = RemoteDocker(address=address, host_key=instance.docker.host_key, identity_file=str(key))
    start, problem = f"The Docker host {address} cannot be used: ", host_problem(remote) or ""
    assert problem.startswith(start), problem
    return problem.removeprefix(start)


def test_on_a_published_port_an_image_that_does_not_serve_stops_nothing(fixed: DockerStack, broken: None) -> None:
    assert broken is None
    fixed.change("app", env={"GREETING": "hello"})
    fixed.change(files={"/srv/version.txt": "from the stack file\n"})
    fixed.up()
    before = fixed.inspect()["Id"]
    for image, expected in (
        ("crashes", "Container web-fixed-trial: exited, exit 1"),
        ("deaf", "Container web-fixed-trial: running"),
    ):
        fixed.choose(image)
        fixed.change(waitSeconds=5)
        said = refused(fixed)
        assert f"so the container web-fixed was not stopped for it, and serves on:\n{expected}" in said.replace(
            "    ", ""
        )
        assert fixed.inspect()["Id"] == before
        assert fixed.inspect()["State"]["Health"]["Status"] == "healthy"
    fixed.choose("2.0.0")
    fixed.change(waitSeconds=None)
    assert_converges(fixed, "2.0.0")
    assert fixed.inspect()["Id"] != before
    assert fixed.containers() == ["web-fixed"]
    assert "web-fixed-trial" not in fixed.on_host(*DOCKER, "ps", "--all", "--format", "{{.Names}}")


def test_reason_why_a_user_or_a_key_is_refused_is_reported(instance: Instance, key: Path) -> None:
    refusal = (
        "the host refuses this user with this key; check the user, and that the public key is in its authorized_keys"
    )
    assert problem_of(instance, key, "nobody-here") == refusal
    key.chmod(0o644)
    assert problem_of(instance, key) == (
        "the private key can be read by others, so ssh does not use it; run 'chmod 600' on it"
    )
    key.chmod(0o600)
    subprocess.run(
        ["ssh-keygen", "-q", "-p", "-P", "", "-N", "pass phrase", "-f", key], capture_output=True, check=True
    )
    assert problem_of(instance, key) == (
        "the private key has a passphrase, or is damaged; add it to an ssh-agent, or use one without"
    )
    key.unlink()
    assert problem_of(instance, key) == f"there is no private key at {key}; check gitlab-deploy:dockerHost.identityFile"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], capture_output=True, check=True)
    assert problem_of(instance, key) == refusal


def test_user_who_may_not_use_docker_is_reported(instance: Instance, key: Path) -> None:
    host(instance).run("gpasswd", "--delete", USER, "docker")
    try:
        said = problem_of(instance, key)
    finally:
        host(instance).run("gpasswd", "--add", USER, "docker")
    assert said == "the user may not use Docker; make it a member of the group docker, and end its open sessions"
