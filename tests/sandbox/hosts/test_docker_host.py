import stat
import subprocess
from pathlib import Path

from components.docker_app.definition import health_command
from components.settings.app import App, Health
from sandbox.machine.network import connect
from sandbox.machine.waiting import wait
from tests.support.docker_sandbox import Sandbox


def test_docker_is_reached_over_ssh_with_the_key_and_the_pinned_host_key(docker: Sandbox) -> None:
    assert docker.docker.address.startswith("ssh://deploy@10.213.")
    known = Path(docker.folder / "docker" / "known_hosts").read_text()
    assert known == f"{docker.network.address('docker')} {docker.docker.host_key}\n"
    assert docker.docker.host_key.startswith("ssh-ed25519 AAAA")
    info = docker.cli("info", "--format", "{{.Driver}} {{.CgroupDriver}} {{.Name}}")
    assert info == "overlay2 cgroupfs docker\n"


def test_sessions_are_those_of_a_user_who_may_use_docker_and_no_more(docker: Sandbox) -> None:
    done = docker.ssh("id -un; id -Gn; command -v docker; hostname; sudo -n true 2>/dev/null || echo no root")
    assert done.stdout.split("\n")[:-1] == ["deploy", "deploy docker", "/usr/bin/docker", "docker", "no root"]


def test_private_keys_are_their_owners_alone(docker: Sandbox) -> None:
    for key in (docker.docker.key, docker.folder / "docker" / "host_key"):
        assert stat.S_IMODE(key.stat().st_mode) == 0o600
        assert "PRIVATE KEY" in key.read_text()


def test_a_host_key_other_than_the_pinned_one_ends_the_connection(docker: Sandbox, tmp_path: Path) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "key"], check=True)
    known = tmp_path / "known_hosts"
    known.write_text(f"{docker.network.address('docker')} {(tmp_path / 'key.pub').read_text()}")
    done = docker.ssh("true", options=["-o", f"UserKnownHostsFile={known}"])
    assert done.returncode == 255
    assert "Host key verification failed." in done.stderr


def test_another_key_another_user_and_passwords_are_refused(docker: Sandbox, tmp_path: Path) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "key"], check=True)
    pinned = ["-o", f"UserKnownHostsFile={docker.folder}/docker/known_hosts", "-o", "StrictHostKeyChecking=yes"]
    for options, user in (
        (["-F", "none", *pinned, "-i", str(tmp_path / "key")], "deploy"),
        ([], "root"),
        ([], "nobody-here"),
        (["-o", "PubkeyAuthentication=no", "-o", "BatchMode=no", "-o", "NumberOfPasswordPrompts=0"], "deploy"),
    ):
        done = docker.ssh("true", options=options, user=user)
        assert (done.returncode, done.stdout) == (255, "")
        assert "Permission denied (publickey)." in done.stderr


def test_every_login_is_counted_in_the_log_of_sshd(docker: Sandbox) -> None:
    before = docker.log("sshd").count("Accepted publickey for deploy")
    for _ in range(3):
        docker.cli("version")
    assert docker.log("sshd").count("Accepted publickey for deploy") == before + 3


def test_starting_again_changes_nothing(docker: Sandbox) -> None:
    before, key = docker.state.recorded(), docker.docker.host_key
    docker.docker.start()
    assert docker.state.recorded() == before
    assert docker.docker.host_key == key
    assert {"docker/dockerd", "docker/sshd", "docker/traefik"} <= set(before)


def test_an_image_is_pulled_by_digest_from_the_registry_by_its_plain_name(docker: Sandbox) -> None:
    assert docker.image("1.0.0").startswith("registry.sandbox.test/group/blog@sha256:")
    docker.cli("rmi", "--force", docker.image("1.0.0"))
    docker.cli("pull", "--quiet", docker.image("1.0.0"))
    assert docker.image("1.0.0") in docker.cli(
        "image", "inspect", "--format", "{{.RepoDigests}}", docker.image("1.0.0")
    )


def test_the_image_passes_and_fails_the_health_check_of_a_stack(docker: Sandbox) -> None:
    for name, path, health in (("one", "/healthz", "healthy"), ("two", "/nowhere", "unhealthy")):
        docker.run(name, "1.0.0", health_command(App(port=8080, health=Health(path=path))))
        docker.wait_for(name, health)
    check = docker.api("GET", "/containers/two/json")["State"]["Health"]["Log"][-1]
    assert check["ExitCode"] != 0
    assert "404 Not Found" in check["Output"]


def test_containers_are_below_the_sandboxs_own_control_group(docker: Sandbox) -> None:
    docker.run("one", "1.0.0")
    inspected = docker.api("GET", "/containers/one/json")
    groups = docker.host.run("cat", f"/proc/{inspected['State']['Pid']}/cgroup")
    assert f":/{docker.network.cgroup}/docker/{inspected['Id']}\n" in groups


def test_a_daemon_that_was_killed_comes_back_with_its_containers(docker: Sandbox) -> None:
    docker.run("one", "1.0.0")
    assert wait(lambda: docker.serves("1.0.0"), 120)
    daemon = docker.state.process("docker/dockerd")
    assert daemon
    daemon.kill()
    # The routes stay, and so does the container.
    assert docker.serves("1.0.0")
    docker.docker.start()
    docker.wait_for("one")
    assert wait(lambda: docker.serves("1.0.0"), 120)
    docker.remove("one")
    assert wait(lambda: docker.get()[0] == 404, 120), "Traefik does not follow the new daemon"


def test_parts_that_were_killed_are_started_again(docker: Sandbox) -> None:
    docker.run("one", "1.0.0")
    assert wait(lambda: docker.serves("1.0.0"), 120)
    for service in ("sshd", "traefik"):
        process = docker.state.process(f"docker/{service}")
        assert process
        process.kill()
        docker.docker.start()
        assert wait(lambda: docker.serves("1.0.0"), 120), f"nothing is served after {service} was killed"
    assert docker.ssh("true").returncode == 0


def test_a_host_that_was_stopped_comes_back_with_its_keys_and_containers(docker: Sandbox) -> None:
    docker.run("one", "1.0.0")
    docker.wait_for("one")
    key = docker.docker.host_key
    docker.host.stop()
    docker.host.start()
    connect(docker.network, docker.lan, [docker.host])
    docker.docker.start()
    assert docker.docker.host_key == key
    assert docker.cli("ps", "--format", "{{.Names}}") == "one\n"
    assert wait(lambda: docker.serves("1.0.0"), 120)
