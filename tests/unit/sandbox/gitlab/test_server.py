"""The process: its data, its log, its address."""

import asyncio
import json
import secrets
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox.gitlab.__main__ import listen
from sandbox.gitlab.records import AccessToken, Group, Project, User
from sandbox.gitlab.seed import seed
from sandbox.gitlab.store import Store
from tests.support.gitlab_double import Api, GitLabDouble, refused
from tests.support.project import ROOT


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_state_survives_a_restart(own_double: GitLabDouble, end: str) -> None:
    project = own_double.client().projects.get("group/blog")
    variable = project.variables.create({"key": "A", "value": "é\n", "environment_scope": "prod"}).attributes
    token = project.deploytokens.create({"name": "pull", "scopes": ["read_registry"]}).attributes
    getattr(own_double, end)()
    own_double.start()
    project = own_double.client().projects.get("group/blog")
    assert project.variables.get("A").attributes == variable
    assert project.deploytokens.get(token["id"]).attributes == {k: v for k, v in token.items() if k != "token"}


def test_every_answered_change_survives_a_kill(own_double: GitLabDouble) -> None:
    variables = own_double.client().projects.get("group/blog").variables
    answered = [variables.create({"key": f"V{number}", "value": "v"}).key for number in range(50)]
    own_double.kill()
    own_double.start()
    kept = [variable.key for variable in own_double.client().projects.get("group/blog").variables.list(get_all=True)]
    assert kept == answered


def test_ids_are_not_given_twice(own_double: GitLabDouble) -> None:
    tokens = own_double.client().projects.get("group/blog").deploytokens
    first = tokens.create({"name": "a", "scopes": ["read_registry"]}).id
    tokens.delete(first)
    assert tokens.create({"name": "b", "scopes": ["read_registry"]}).id != first


def test_the_data_is_for_its_owner_alone(own_double: GitLabDouble) -> None:
    own_double.client().projects.get("group/blog").variables.create({"key": "A", "value": "v"})
    assert stat.S_IMODE(own_double.data.stat().st_mode) == 0o700
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in own_double.data.iterdir()}
    assert modes == {"gitlab.sqlite": 0o600}


def test_the_log_has_a_line_a_request_and_no_value(own_double: GitLabDouble) -> None:
    canary = f"canary{secrets.token_hex(8)}"
    api = Api(own_double, own_double.token, "group/blog")
    for body in (
        {"key": "A", "value": canary, "masked": True},
        {"key": "A", "value": canary},
        {"key": "B C", "value": canary},
        {"key": "D", "value": [canary]},
    ):
        api("POST", f"/variables?private_token={own_double.token}&value={canary}", json.dumps(body).encode())
    own_double.request("GET", f"/api/v4/user?access_token={own_double.token}", headers={"PRIVATE-TOKEN": canary})
    secret = api("POST", "/deploy_tokens", b'{"name":"pull","scopes":["read_registry"]}').json()["token"]
    own_double.faults({"method": "GET", "path": "/variables", "status": "drop-before"})
    with pytest.raises(OSError, match=r".*"):
        api("GET", "/variables")
    own_double.stop()
    lines = own_double.log().splitlines()
    path = "/api/v4/projects/group%2Fblog"
    assert lines[0] == f"listening on {own_double.url}"
    assert lines[1:] == [
        f"POST {path}/variables 201",
        *[f"POST {path}/variables 400"] * 3,
        "GET /api/v4/user 401",
        f"POST {path}/deploy_tokens 201",
        "PUT /-/sandbox/faults 204",
        f"GET {path}/variables dropped",
    ]
    for text in (canary, own_double.token, secret):
        assert text not in own_double.log()


def test_a_crash_is_a_500_whose_log_line_holds_no_value(own_double: GitLabDouble) -> None:
    canary = f"canary{secrets.token_hex(8)}"
    store = Store(own_double.data)
    store.connection.execute("DROP TABLE variables")
    store.close()
    variables = own_double.client().projects.get("group/blog").variables
    answer = refused(lambda: variables.create({"key": "A", "value": canary}))
    assert answer == (500, {"message": "500 Internal Server Error"})
    assert "OperationalError at store.py:" in own_double.log()
    assert canary not in own_double.log()
    assert "Traceback" not in own_double.log()


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "0", "0x0"])
def test_it_does_not_listen_on_every_address(tmp_path: Path, host: str) -> None:
    command = [sys.executable, "-m", "sandbox.gitlab", "--host", host, "--port", "0", "--data", str(tmp_path / "data")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=10, check=False)
    assert done.returncode != 0
    assert done.stderr == f"--host {host} would serve every network of this machine; give one address, as 127.0.0.1\n"
    assert not (tmp_path / "data").exists()


def test_a_port_in_use_is_one_sentence(own_double: GitLabDouble, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "sandbox.gitlab", "--host", "127.0.0.1", "--port", str(own_double.port)]
    command += ["--data", str(tmp_path / "other")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=10, check=False)
    assert done.returncode != 0
    assert done.stderr == f"cannot listen on 127.0.0.1 port {own_double.port}: Address already in use\n"


def test_it_listens_on_the_address_given_alone(own_double: GitLabDouble) -> None:
    with socket.create_connection(("127.0.0.1", own_double.port), timeout=5):
        pass
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.2", own_double.port), timeout=5)


def test_an_answer_does_not_wait_for_the_clients_acknowledgement() -> None:
    """With Nagle's algorithm each answer of two writes waits for the client's delayed acknowledgement, about 40 ms."""

    async def nodelay() -> int:
        accepted: asyncio.Queue[asyncio.StreamWriter] = asyncio.Queue()
        server = await asyncio.start_server(lambda _, writer: accepted.put_nowait(writer), sock=listen("127.0.0.1", 0))
        async with server:
            _, client = await asyncio.open_connection(*server.sockets[0].getsockname())
            writer = await accepted.get()
            option: int = writer.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            writer.close()
            client.close()
        return option

    assert asyncio.run(nodelay())


# Seeding


def test_seeding_again_changes_nothing(tmp_path: Path) -> None:
    token_file = tmp_path / "token"
    token_file.write_text("glpat-one\n")
    for _ in range(2):
        seed(tmp_path / "data", token_file=token_file, project="group/sub/blog", registry="registry.test:5000")
    store = Store(tmp_path / "data")
    assert [(group.id, group.path) for group in store.find(Group)] == [(1, "group/sub")]
    (project,) = store.find(Project)
    assert (project.id, project.path, project.image_prefix) == (
        20,
        "group/sub/blog",
        "registry.test:5000/group/sub/blog",
    )
    assert (store.count(User, bot=False), len(store.find(AccessToken))) == (1, 1)
    store.close()


@pytest.mark.parametrize(
    ("project", "token", "complaint"),
    [("blog", "glpat-one", "must be group/project"), ("group/blog", " \n", "token must not be empty")],
)
def test_seeding_refuses_what_cannot_be(tmp_path: Path, project: str, token: str, complaint: str) -> None:
    token_file = tmp_path / "token"
    token_file.write_text(token)
    with pytest.raises(ValueError, match=complaint):
        seed(tmp_path / "data", token_file=token_file, project=project)
