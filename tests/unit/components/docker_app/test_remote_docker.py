import json
from pathlib import Path

import pytest

from components.docker_app import engine_connection
from components.docker_app.remote_docker import RemoteDocker, RemoteDockerError
from tests.support.docker_double import HOST_KEY

HOST = RemoteDocker(address="ssh://deploy@host.example.com:2222", host_key=f"{HOST_KEY} root@host", identity_file="~/k")

TAKES_HEAD = "sed '/^\\r$/q' >/dev/null\n"


def stand_in(monkeypatch: pytest.MonkeyPatch, folder: Path, script: str) -> None:
    """Puts a program in the place of ssh."""
    (folder / "ssh").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "ssh").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


def test_command_goes_to_the_host_as_one_word_for_its_shell(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    stand_in(monkeypatch, tmp_path, 'for word; do last=$word; done; printf "%s" "$last"')
    assert HOST.run("inspect", "--format", "{{.Name}}|{{.Id}}", "a b").stdout == (
        "docker inspect --format '{{.Name}}|{{.Id}}' 'a b'"
    )


def test_carriage_return_in_a_log_is_no_end_of_a_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    stand_in(monkeypatch, tmp_path, r"printf 'one\rtwo\n\377'")
    assert HOST.run("logs", "web").stdout == "one\rtwo\n\ufffd"


@pytest.mark.parametrize(
    ("address", "target"),
    [
        ("ssh://deploy@host:2222", ["-p", "2222", "-l", "deploy", "--", "host"]),
        ("ssh://deploy@host:22", ["-p", "22", "-l", "deploy", "--", "host"]),
        # The Port of the user's ssh config counts.
        ("ssh://deploy@alias", ["-l", "deploy", "--", "alias"]),
        ("ssh://deploy@[2001:db8::1]", ["-l", "deploy", "--", "2001:db8::1"]),
    ],
)
def test_port_is_only_given_if_the_address_has_one(address: str, target: list[str]) -> None:
    assert RemoteDocker(address=address, host_key=HOST_KEY).target == target


def test_options_of_the_provider_name_nothing_of_this_run() -> None:
    options = HOST.provider_options
    assert "ControlPath=none" in options
    assert f"KnownHostsCommand=/bin/echo %H {HOST_KEY}" in options
    assert not [option for option in options if "/tmp" in option or str(Path.home()) in option]


def test_request_goes_to_the_engine_api_by_standard_input(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    body = json.dumps({"Env": ["A=line\nB=canary"]}).encode()
    script = f'head -c $(cat {tmp_path}/size) > {tmp_path}/asked; echo "$*" > {tmp_path}/arguments\n'
    script += r"""printf 'HTTP/1.0 201 Created\r\nApi-Version: 1.41\r\n\r\n{"Id":"abc"}'"""
    stand_in(monkeypatch, tmp_path, script)
    lines = ["POST /containers/create HTTP/1.1", "Host: docker", "Accept-Encoding: identity"]
    lines += [f"Content-Length: {len(body)}", "Content-Type: application/json", ""]
    head = "".join(f"{line}\r\n" for line in lines)
    (tmp_path / "size").write_text(str(len(head) + len(body)))
    answer = HOST.request_json("POST", "/containers/create", json.loads(body))
    assert (answer.status, answer.json, answer.message) == (201, {"Id": "abc"}, None)
    assert answer.version == "1.41"
    assert (tmp_path / "asked").read_bytes() == head.encode() + body
    arguments = (tmp_path / "arguments").read_text()
    assert arguments.endswith("-- host.example.com docker system dial-stdio\n")
    assert "canary" not in arguments


def test_large_request_to_a_host_that_is_lost_ends(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    stand_in(monkeypatch, tmp_path, "echo 'Connection reset by peer' >&2; exit 255")
    with pytest.raises(RemoteDockerError, match="Connection reset by peer"):
        HOST.request("PUT", "/containers/abc/archive?path=/", b"x" * (1 << 20), {"Content-Type": "application/x-tar"})


@pytest.mark.parametrize(
    ("body", "message"), [('{"message":"no such image"}', "no such image"), ("oops", "status 404")]
)
def test_reason_of_the_engine_api_is_its_message(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, body: str, message: str
) -> None:
    stand_in(monkeypatch, tmp_path, f"{TAKES_HEAD}printf 'HTTP/1.0 404 Not Found\\r\\n\\r\\n{body}'")
    assert HOST.request("GET", "/images/x/json").message == message


def test_stop_takes_a_connection_that_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, bool]] = []

    def ask(*_: object, **how: bool) -> tuple[int, bytes, None]:
        asked.append(how)
        return 304, b"", None

    monkeypatch.setattr(engine_connection, "ask", ask)
    HOST.stop("c1", 10)
    HOST.request("POST", "/containers/c1/start")
    assert asked == [{"may_repeat": True}, {"may_repeat": False}]


def test_containers_are_listed_with_labels_that_hold_anything(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    items = [
        {"Id": "a" * 64, "Names": ["/web"], "Labels": {"gitlab-deploy.id": "own-id"}},
        {"Id": "b" * 64, "Names": ["/other"], "Labels": {"note": "x\n\tshop\town-id\t"}},
    ]
    (tmp_path / "answer").write_text(f"HTTP/1.0 200 OK\r\n\r\n{json.dumps(items)}")
    stand_in(monkeypatch, tmp_path, f"{TAKES_HEAD}cat {tmp_path}/answer")
    assert [(found.name, found.identity) for found in HOST.listing()] == [("web", "own-id"), ("other", "")]
