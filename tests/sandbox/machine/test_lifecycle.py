"""A sandbox is interrupted and goes on, runs beside others, and is taken down with nothing left."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.instance import Instance
from sandbox.machine import cgroups, claim, inotify
from sandbox.machine.namespaces import Namespaces
from sandbox.machine.network import connected
from sandbox.machine.state import State
from sandbox.machine.waiting import wait
from sandbox.sandbox_error import SandboxError
from sandbox.toolchain.images import File, build
from tests.sandbox.machine.machine import Machine, processes
from tests.support.pods import kubectl


@pytest.fixture(scope="module")
def interrupted(instance: Instance) -> Iterator[tuple[Instance, str]]:
    """A second sandbox whose `up` was interrupted half-way, and what that said; the next `up` goes on."""
    assert all(processes(instance).values())
    other = Instance(f"test-other-{os.getpid()}")
    # Where the tests run in the background of a shell, Ctrl-C is ignored, and children inherit that.
    interruptible = ["env", "--default-signal=INT", sys.executable, "-m", "sandbox", "--name", other.name, "up"]
    up = subprocess.Popen(interruptible, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert wait(lambda: processes(other).get("node/etcd") is not None, 120)
        up.send_signal(signal.SIGINT)
        _, said = up.communicate()
        yield other, said
    finally:
        up.kill()
        other.down()


def pause_a_container(instance: Instance, folder: Path) -> None:
    """Have a container on the Docker host that `docker pause` has stopped, of an image that is made here."""
    environment = {**os.environ, **instance.environment()}

    def docker(*arguments: str) -> str:
        return subprocess.run(
            ["docker", *arguments], env=environment, capture_output=True, text=True, check=True
        ).stdout

    archive = folder / "image.tar"
    build("FROM scratch\nCOPY sleep /\n", {"sleep": File(Path("/bin/busybox"), 0o755)}).save("sleep:1", archive)
    docker("load", "--quiet", "--input", str(archive))
    docker("run", "--detach", "--name", "one", "sleep:1", "/sleep", "infinity")
    docker("pause", "one")
    assert docker("inspect", "--format", "{{.State.Status}}", "one") == "paused\n"


def test_an_up_that_is_interrupted_says_what_to_do(interrupted: tuple[Instance, str]) -> None:
    _, said = interrupted
    assert said.splitlines()[-1].startswith("stopped: `up` goes on from here, `down` removes it")
    assert "Traceback" not in said


def test_two_sandboxes_run_side_by_side_and_down_leaves_nothing(
    before: Machine, instance: Instance, interrupted: tuple[Instance, str], tmp_path: Path
) -> None:
    other, _ = interrupted
    started = {key: process for key, process in processes(other).items() if process}
    other.up()
    assert {key: processes(other)[key] for key in started} == started
    network = other.network
    assert network.index != instance.network.index
    assert kubectl(other, "get", "nodes", "-o", "name").strip() == "node/node"
    assert kubectl(other, "get", "pods", "--all-namespaces", "-o", "name") == ""
    pause_a_container(other, tmp_path)
    running = processes(other)
    node = running["node"]
    assert node
    assert Machine.now() == before
    with Namespaces(node) as namespaces:
        # As where an `up` was interrupted between entering a host and starting a service in it.
        late = subprocess.Popen(["nsenter", "--target", str(node.pid), "--net", "--", "sleep", "1"])
        assert wait(lambda: late.pid in namespaces.members(), 60)
    other.down()
    assert late.wait() == 0
    assert not any(process.alive for process in running.values() if process)
    assert not connected(network)
    assert cgroups.remaining(network.cgroup) == []
    assert claim.held(other.folder) == []
    assert not other.folder.exists()
    assert Machine.now() == before
    assert all(processes(instance).values())
    assert kubectl(instance, "get", "nodes", "-o", "name").strip() == "node/node"


def test_a_machine_without_inotify_instances_is_named_before_anything_starts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(inotify, "NEEDED", 10_000)
    limit = inotify.LIMIT.read_text().strip()
    instance = Instance(f"test-inotify-{os.getpid()}")
    with pytest.raises(SandboxError, match=rf"may have {limit} inotify instances.*: stop another sandbox, or raise"):
        instance.up()
    assert not any(processes(instance).values())
    instance.down()


def test_what_was_made_for_another_number_is_made_anew(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    instance = Instance(f"test-reset-{os.getpid()}")
    instance.folder.mkdir(parents=True)
    State(instance.folder / "state.json").index = 250
    (instance.folder / "node").mkdir()
    monkeypatch.setattr(claim, "claim", lambda _folder, _preferred: 251)
    instance._claim()
    assert [path.name for path in instance.folder.iterdir()] == ["state.json"]
    assert instance.network.index == 251
    assert "10.213.250.0/24 is in use now; it starts from nothing" in capsys.readouterr().out
    instance.down()


def test_down_of_what_is_not_running_is_no_error(capsys: pytest.CaptureFixture[str]) -> None:
    instance = Instance("test-never-started")
    instance.down()
    assert "no process, mount, interface, control group or file of it is left" in capsys.readouterr().out
    assert not instance.folder.exists()


def test_down_never_deletes_through_a_mount(tmp_path: Path) -> None:
    instance = Instance(f"test-mounted-{os.getpid()}")
    precious, place = tmp_path / "precious", instance.folder / "a place"
    precious.mkdir()
    (precious / "file").touch()
    place.mkdir(parents=True)
    subprocess.run(["mount", "--bind", precious, place], check=True)
    try:
        with pytest.raises(SandboxError, match=re.escape(f"mount {place}")):
            instance.down()
        assert (precious / "file").exists()
    finally:
        subprocess.run(["umount", place], check=True)
    instance.down()
    assert not instance.folder.exists()


def test_what_is_not_there_has_no_environment() -> None:
    with pytest.raises(SandboxError, match=r"sandbox test-absent does not exist: start it \(python -m sandbox --name"):
        Instance("test-absent").environment()
    assert Instance("test-absent").status() == ["sandbox test-absent is not running"]


@pytest.mark.parametrize("name", ["", "..", "a/b", "A", "-a", "a" * 32])
def test_a_name_that_is_no_folders_is_refused(name: str) -> None:
    with pytest.raises(SandboxError, match="lower-case letters, digits and hyphens"):
        Instance(name)
