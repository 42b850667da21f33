"""A host is a machine of its own, and all of it goes with its first process."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sandbox.machine.host import Host, Service
from sandbox.machine.namespaces import Namespaces
from sandbox.machine.process import Process
from sandbox.machine.state import State
from sandbox.machine.waiting import wait
from sandbox.sandbox_error import SandboxError
from tests.support.project import ROOT

NewHost = Callable[[str], Host]


def service(name: str, script: str, ready: Callable[[], bool] = lambda: True, seconds: float = 10) -> Service:
    return Service(name, ["sh", "-c", script], ready, seconds)


def recorded(host: Host, name: str) -> Process:
    process = State(host.data.parent / "state.json").process(f"{host.name}/{name}")
    assert process
    return process


def mounts() -> str:
    return Path("/proc/self/mountinfo").read_text()


def interfaces() -> str:
    return subprocess.run(["ip", "-brief", "link"], capture_output=True, text=True, check=True).stdout


def test_a_host_has_its_own_name_processes_network_and_mounts(new_host: NewHost, tmp_path: Path) -> None:
    before = os.uname().nodename
    host = new_host("box")
    assert host.start()
    assert host.run("hostname").strip() == "box"
    assert host.run("sh", "-c", "echo $$").strip() != str(os.getpid())
    assert len(host.run("sh", "-c", "ls -d /proc/[0-9]*").splitlines()) < 5
    assert host.run("ip", "-brief", "link").split()[:2] == ["lo", "UNKNOWN"]
    place = tmp_path / "place"
    place.mkdir()
    host.run("mount", "-t", "tmpfs", "tmpfs", place)
    host.run("ip", "link", "add", "bridge-of-box", "type", "bridge")
    assert os.uname().nodename == before
    assert str(place) not in mounts()
    assert "bridge-of-box" not in interfaces()


def test_stopping_a_host_ends_its_processes_mounts_and_interfaces(new_host: NewHost, tmp_path: Path) -> None:
    host = new_host("box")
    host.start()
    place = tmp_path / "place"
    place.mkdir()
    host.run("mount", "-t", "tmpfs", "tmpfs", place)
    host.serve(service("worker", "sleep 1000 & sleep 1000 & exec sleep 1000"))
    cable = f"t{os.getpid()}"
    ip = ["ip", "link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns", str(host.init.pid)]
    subprocess.run(ip, check=True)
    with Namespaces(host.init) as namespaces:
        assert wait(lambda: len(namespaces.members()) >= 4, 60)
        host.stop()
        assert namespaces.members() == []
    assert wait(lambda: cable not in interfaces(), 10)
    place.rmdir()


def test_a_host_is_started_once(new_host: NewHost) -> None:
    host = new_host("box")
    assert host.start()
    init = host.init
    assert not host.start()
    assert host.init == init


def test_a_host_that_is_not_running_is_named(new_host: NewHost) -> None:
    with pytest.raises(SandboxError, match="host box is not running: start the sandbox"):
        new_host("box").run("true")


def test_a_host_whose_starter_dies_before_it_knows_the_pid_never_begins(tmp_path: Path) -> None:
    unshare = ["unshare", "--net", "--pid", "--mount", "--uts", "--propagation", "private"]
    init = ROOT / "sandbox" / "machine" / "init.py"
    with subprocess.Popen(
        [*unshare, sys.executable, "-I", init, "box"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=tmp_path
    ) as launcher:
        assert launcher.stdout
        process = Process.of(int(launcher.stdout.readline()))
        said, _ = launcher.communicate()
    assert said == b""
    assert wait(lambda: not process.alive, 10)


def test_a_command_that_fails_in_a_host_is_quoted(new_host: NewHost) -> None:
    host = new_host("box")
    host.start()
    with pytest.raises(SandboxError, match="sh fails in host box: the last word"):
        host.run("sh", "-c", "echo first >&2; echo the last word >&2; exit 3")


def test_a_service_runs_on_as_a_child_of_the_hosts_init(new_host: NewHost) -> None:
    host = new_host("box")
    host.start()
    assert host.serve(service("worker", "echo at work; exec sleep 1000"))
    worker = recorded(host, "worker")
    status = Path(f"/proc/{worker.pid}/status").read_text()
    assert f"PPid:\t{host.init.pid}\n" in status
    log = host.data.parent / "log" / "worker.log"
    assert wait(lambda: log.read_text() == "at work\n", 10)
    assert log.stat().st_mode & 0o777 == 0o600


def test_a_service_has_none_of_the_users_environment(new_host: NewHost, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example.com")
    monkeypatch.setenv("GITLAB_TOKEN", "canary")
    host = new_host("box")
    host.start()
    host.serve(Service("worker", ["sh", "-c", "env; exec sleep 1000"], lambda: True, environment={"PORT": "1"}))
    log = host.data.parent / "log" / "worker.log"
    assert wait(lambda: "PORT=1" in log.read_text(), 10)
    assert "canary" not in log.read_text()
    assert "proxy" not in log.read_text()


def test_a_running_service_is_not_started_twice_and_a_dead_one_is_started_again(new_host: NewHost) -> None:
    host = new_host("box")
    host.start()
    worker = service("worker", "exec sleep 1000")
    host.serve(worker)
    first = recorded(host, "worker")
    assert not host.serve(worker)
    assert recorded(host, "worker") == first
    os.kill(first.pid, signal.SIGKILL)
    assert wait(lambda: not first.alive, 10)
    assert host.serve(worker)
    assert recorded(host, "worker") != first


def test_a_service_that_is_not_ready_in_time_is_named_with_the_end_of_its_log(new_host: NewHost) -> None:
    host = new_host("box")
    host.start()
    log = host.data.parent / "log" / "worker.log"

    def is_never_ready() -> bool:
        assert wait(lambda: "100\n" in log.read_text(), 60)
        return False

    with pytest.raises(SandboxError) as failure:
        host.serve(service("worker", "seq 100; exec sleep 1000", is_never_ready, 1))
    lines = str(failure.value).splitlines()
    assert lines[0] == f"worker is not ready after 1 s. The end of {log}:"
    assert lines[1:] == [f"  {number}" for number in range(81, 101)]


def test_a_service_that_stops_is_an_error_at_once(new_host: NewHost) -> None:
    host = new_host("box")
    host.start()
    with pytest.raises(SandboxError, match=r"worker stopped as soon as it was started\. .*\n  no such port"):
        host.serve(service("worker", "echo no such port >&2", lambda: False, 600))


def test_the_end_of_a_log_is_shown_without_the_tokens_in_it(new_host: NewHost) -> None:
    host = new_host("box")
    host.start()
    with pytest.raises(SandboxError) as failure:
        host.serve(
            service("worker", "echo token glpat-abc.01.xyz, bearer eyJhbGciOi.eyJzdWIi.c2ln; exit 1", lambda: False)
        )
    assert str(failure.value).endswith("  token [hidden], bearer [hidden]")
