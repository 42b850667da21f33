import asyncio
import subprocess
from pathlib import Path

import pulumi
import pytest

from components.docker_app.definition import assignments, health_check, health_command, mebibytes, route, secret_values
from components.settings.app import App, Health
from components.settings.docker_host import DockerHost
from tests.support.docker_application import ARGS, TARGET
from tests.support.programs import program
from tests.support.recorder import deploy


def test_health_by_a_path_is_asked_with_what_the_image_has() -> None:
    assert health_command(App(port=80, health=Health(command=("a", "b")))) == ("a", "b")
    shell, option, script = health_command(App(port=9000, health=Health(path="/a(b)")))
    assert (shell, option) == ("sh", "-c")
    assert "wget -q -O /dev/null 'http://127.0.0.1:9000/a(b)'" in script
    assert "curl -fsS -o /dev/null 'http://127.0.0.1:9000/a(b)'" in script


@pytest.mark.parametrize("succeeds", [True, False])
def test_health_is_looked_at_quickly_until_it_is_there_and_calmly_from_then_on(
    tmp_path: Path, *, succeeds: bool
) -> None:
    check = health_check(App(port=80, health=Health(path="/")), seconds=7)
    kind, *command, script = check["tests"]
    assert (kind, command) == ("CMD", ["sh", "-c"])
    program(tmp_path, "wget", "exit 0" if succeeds else "exit 8")
    program(tmp_path, "sleep", f'echo "$@" >>{tmp_path}/slept')
    local = script.replace("/dev/shm/", f"{tmp_path}/")

    def look() -> tuple[int, str]:
        code = subprocess.run([*command, local], env={"PATH": f"{tmp_path}:/usr/bin:/bin"}, check=False).returncode
        slept = tmp_path / "slept"
        return code, slept.read_text() if slept.exists() else ""

    assert look() == (0 if succeeds else 1, "")
    # One that was healthy, and is not any more, is looked at calmly as well.
    (tmp_path / "gitlab-deploy-healthy").touch()
    assert look() == (0 if succeeds else 1, "7\n")
    assert int(check["timeout"].rstrip("s")) > 7


def test_health_by_a_command_is_asked_with_no_shell() -> None:
    check = health_check(App(port=80, health=Health(command=("/app", "check"))), seconds=10)
    assert check["tests"] == ["CMD", "/app", "check"]


@pytest.mark.parametrize(("memory", "expected"), [("16Mi", 16), ("2Gi", 2048)])
def test_memory_is_the_quantity_of_kubernetes(memory: str, expected: int) -> None:
    assert mebibytes(memory) == expected


def test_variables_are_in_an_order_that_does_not_change() -> None:
    assert assignments({"B": "2", "A": "1=1"}) == ["A=1=1", "B=2"]


def test_route_is_that_of_the_host_name() -> None:
    found = route(ARGS.app, TARGET)
    assert found
    assert (found.name, found.hosts, found.port, found.network) == ("web-prod", ("blog.example.org",), 8080, "traefik")
    assert route(ARGS.app, DockerHost(address=TARGET.address, host_key=TARGET.host_key, name="web")) is None


def test_values_that_nothing_may_show_are_those_that_are_encrypted() -> None:
    found: list[tuple[str, ...]] = []
    app = App(port=80, env={"LOG_LEVEL": "info"}, secrets={"PASSWORD": "canary"})

    async def look(target: DockerHost) -> None:
        found.append(await secret_values(app, target))

    def program() -> object:
        files: dict[str, pulumi.Input[str]] = {"/etc/app.conf": "text", "/etc/key": pulumi.Output.secret("key-canary")}
        target = DockerHost(address=TARGET.address, host_key=TARGET.host_key, name="web", files=files)
        return pulumi.Output.all(look(target))

    deploy(program)
    assert found == [("canary", "key-canary")]
    assert asyncio.run(secret_values(App(port=80), TARGET)) == ()
