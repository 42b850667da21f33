import base64
import hashlib
from pathlib import Path

import pytest

from components.docker_app.ssh import DockerHost, WrongHostKeyError, fingerprint

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIN1TP8Zk3fIPC98LZDnN3wH4hrQAwW1FW7pZb4FaV/b1"
HOST = DockerHost(address="ssh://deploy@host.example.com:2222", host_key=KEY, identity_file="${SSH_KEY}")


def answer(monkeypatch: pytest.MonkeyPatch, folder: Path, script: str) -> None:
    """Puts a program in the place of ssh."""
    (folder / "ssh").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "ssh").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


def refuse(monkeypatch: pytest.MonkeyPatch, folder: Path, stderr: str) -> None:
    (folder / "said").write_text(stderr)
    answer(monkeypatch, folder, f"cat {folder}/said >&2; exit 255")


def test_options_never_ask_anybody_and_trust_the_pinned_key_alone() -> None:
    options = HOST.ssh_options
    pairs = dict(option.split("=", 1) for option in options[1::2])
    assert set(options[::2]) == {"-o"}
    assert pairs["BatchMode"] == "yes"
    assert pairs["StrictHostKeyChecking"] == "yes"
    assert pairs["UserKnownHostsFile"] == pairs["GlobalKnownHostsFile"] == "/dev/null"
    assert pairs["KnownHostsCommand"] == f"/bin/echo %H {KEY}"
    assert pairs["HostKeyAlgorithms"] == "ssh-ed25519"
    assert pairs["ControlMaster"] == "auto"


def test_shared_connection_is_another_one_for_another_host_key_user_or_private_key() -> None:
    hosts = [
        HOST,
        DockerHost(address="ssh://other@host.example.com:2222", host_key=KEY, identity_file="${SSH_KEY}"),
        DockerHost(address=HOST.address, host_key=KEY.replace("b1", "b2"), identity_file="${SSH_KEY}"),
        DockerHost(address=HOST.address, host_key=KEY, identity_file="~/.ssh/other"),
    ]
    paths = [option for host in hosts for option in host.ssh_options if option.startswith("ControlPath=")]
    assert len(set(paths)) == 4
    # A Unix socket's path may be 107 bytes long, to which ssh adds 17 while it makes it.
    assert all(len(path) < 50 for path in paths)


def test_command_goes_to_the_host_as_one_word_for_its_shell(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    answer(monkeypatch, tmp_path, 'for word; do last=$word; done; printf "%s" "$last"')
    assert HOST.run("inspect", "--format", "{{.Name}}|{{.Id}}", "a b").stdout == (
        "docker inspect --format '{{.Name}}|{{.Id}}' 'a b'"
    )


def test_user_port_and_host_are_where_ssh_expects_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    answer(monkeypatch, tmp_path, 'echo "$*"')
    said = HOST.run("version").stdout
    assert " -p 2222 -l deploy -- host.example.com docker version" in said


def test_fingerprint_is_as_ssh_shows_it() -> None:
    digest = hashlib.sha256(base64.b64decode(KEY.split()[1])).digest()
    assert fingerprint(KEY) == f"SHA256:{base64.b64encode(digest).decode().rstrip('=')}"


def test_wrong_host_key_names_both_fingerprints(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    refuse(
        monkeypatch,
        tmp_path,
        "@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\nThe fingerprint for the ED25519 key sent by the remote "
        "host is\nSHA256:abcDEF123+/.\nHost key verification failed.",
    )
    with pytest.raises(WrongHostKeyError) as caught:
        HOST.problem(None)
    assert "SHA256:abcDEF123+/" in str(caught.value)
    assert fingerprint(KEY) in str(caught.value)


@pytest.mark.parametrize(
    ("stderr", "sentence"),
    [
        ("ssh: connect to host h port 22: Connection refused", "nothing listens on that port"),
        ("ssh: Could not resolve hostname h: Name or service not known", "there is no host of this name"),
        ("ssh: connect to host h port 22: Connection timed out", "the host does not answer"),
        ("deploy@h: Permission denied (publickey).", "there is no private key at"),
        ("Permissions 0644 for 'k' are too open.\nWARNING: UNPROTECTED PRIVATE KEY FILE!", "run 'chmod 600' on it"),
        ("Unable to negotiate with h: no matching host key type found.", "it has no host key of type ssh-ed25519"),
        ("permission denied while trying to connect to the Docker daemon socket", "member of the group docker"),
        ("Cannot connect to the Docker daemon at unix:///var/run/docker.sock.", "the Docker daemon is not running"),
        ("sh: 1: docker: not found", "there is no docker command"),
        (
            "fatal: vdollar_percent_expand: env var ${SSH_KEY} has no value",
            "identityFile is not set; set it to the path",
        ),
        ("something new", "something new; try 'ssh ssh://deploy@host.example.com:2222 docker version'"),
    ],
)
def test_each_refusal_is_one_sentence_of_its_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, stderr: str, sentence: str
) -> None:
    refuse(monkeypatch, tmp_path, stderr)
    monkeypatch.setenv("SSH_KEY", str(tmp_path / "nowhere"))
    problem = HOST.problem(None)
    assert problem
    assert problem.startswith("The Docker host ssh://deploy@host.example.com:2222 cannot be used: ")
    assert sentence in problem
    assert "\n" not in problem


def test_old_docker_is_refused_and_a_current_one_is_not(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    answer(monkeypatch, tmp_path, "echo 1.40")
    problem = HOST.problem(None)
    assert problem
    assert "has Docker API 1.40, older than 1.41; upgrade Docker to 20.10 or newer" in problem
    answer(monkeypatch, tmp_path, "echo 1.52")
    assert HOST.problem(None) is None


def test_missing_network_of_the_proxy_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    answer(monkeypatch, tmp_path, 'case "$*" in *version*) echo 1.41 ;; *) exit 1 ;; esac')
    problem = HOST.problem("traefik")
    assert problem
    assert "has no network 'traefik'; make it with 'docker network create traefik'" in problem


def test_containers_are_listed_with_their_owner_and_labels(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    answer(monkeypatch, tmp_path, r"printf '%s\t%s\t%s\t%s\n' id1 web owner a=b,c=d id2 other '' ''")
    first, second = HOST.listing()
    assert (first.id, first.name, first.owner, first.labels) == ("id1", "web", "owner", "a=b,c=d")
    assert (second.name, second.owner) == ("other", "")
