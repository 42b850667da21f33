"""Numbers are unique on a machine, kept by who has them, and free again once their owner is gone."""

import ipaddress
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.machine import claim
from sandbox.machine.files import locked
from sandbox.machine.process import Process
from sandbox.machine.state import State
from sandbox.sandbox_error import SandboxError
from tests.support.programs import program

CLAIM = """
import sys
import time
from pathlib import Path
from sandbox.machine import claim
from sandbox.machine.files import locked
claim._routes = lambda: []
lives = claim._lives
# Whoever looks at the same time as another sees the same.
claim._lives = lambda link: (lives(link), time.sleep(0.2))[0]
with locked(Path(sys.argv[1])):
    print(claim.claim(Path(sys.argv[1]), None, Path(sys.argv[2])), flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def claims(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for claims, on a machine without routes."""
    monkeypatch.setattr(claim, "_routes", list)
    folder = tmp_path / "run"
    folder.mkdir()
    return folder


@pytest.fixture
def process() -> Iterator[Process]:
    """Some process that runs."""
    with subprocess.Popen(["sleep", "60"]) as child:
        yield Process.of(child.pid)
        child.kill()


def test_the_lowest_number_is_claimed_and_kept(claims: Path, tmp_path: Path) -> None:
    folder = tmp_path / "one"
    assert claim.claim(folder, None, claims) == 0
    assert claim.claim(folder, 7, claims) == 0
    assert claim.held(folder, claims) == [0]
    assert (claims / "gitlab-deploy-0").readlink() == folder


def test_the_number_of_a_running_sandbox_is_not_taken(claims: Path, tmp_path: Path, process: Process) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    assert claim.claim(one, None, claims) == 0
    State(one / "state.json").record("node", process)
    assert claim.claim(two, 0, claims) == 1
    assert claim.held(one, claims) == [0]


def test_the_number_of_a_sandbox_that_is_about_to_start_is_not_taken(claims: Path, tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    with locked(one):
        assert claim.claim(one, None, claims) == 0
        assert claim.claim(two, None, claims) == 1


@pytest.mark.parametrize("remains", ["nothing", "folder", "state"])
def test_the_number_of_a_sandbox_that_is_gone_is_taken_over(claims: Path, tmp_path: Path, remains: str) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    claim.claim(one, None, claims)
    if remains != "nothing":
        one.mkdir()
    if remains == "state":
        State(one / "state.json").record("node", Process(1, "another-boot:1"))
    assert claim.claim(two, None, claims) == 0
    assert claim.held(one, claims) == []


def test_the_number_it_had_before_is_preferred(claims: Path, tmp_path: Path) -> None:
    assert claim.claim(tmp_path / "one", 5, claims) == 5


def test_something_else_of_that_name_is_left_alone(claims: Path, tmp_path: Path) -> None:
    (claims / "gitlab-deploy-0").mkdir()
    assert claim.claim(tmp_path / "one", None, claims) == 1


def test_a_released_number_is_free(claims: Path, tmp_path: Path) -> None:
    one = tmp_path / "one"
    claim.claim(one, None, claims)
    claim.release(one, claims)
    assert list(claims.iterdir()) == []


@pytest.mark.parametrize("route", ["10.213.0.0/24", "10.214.0.128/25", "10.215.0.7/32"])
def test_ranges_that_the_machine_has_a_route_to_are_passed_over(
    claims: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, route: str
) -> None:
    monkeypatch.setattr(claim, "_routes", lambda: [ipaddress.IPv4Network(route)])
    assert claim.claim(tmp_path / "one", None, claims) == 1


def test_with_no_range_free_the_error_names_the_route_in_the_way(
    claims: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claim, "_routes", lambda: [ipaddress.IPv4Network("10.0.0.0/8")])
    with pytest.raises(SandboxError, match=r"routes to 10\.0\.0\.0/8: stop a sandbox"):
        claim.claim(tmp_path / "one", None, claims)
    assert list(claims.iterdir()) == []


def test_the_default_route_is_not_in_the_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    routes = '[{"dst":"default"},{"dst":"0.0.0.0/1"},{"dst":"128.0.0.0/1"},{"dst":"10.9.0.0/16"}]'
    program(tmp_path, "ip", f"echo '{routes}'")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert claim._routes() == [ipaddress.IPv4Network("10.9.0.0/16")]


def test_sandboxes_that_start_at_the_same_moment_get_different_numbers(claims: Path, tmp_path: Path) -> None:
    starters = [
        subprocess.Popen(
            [sys.executable, "-c", CLAIM, tmp_path / f"folder-{number}", claims],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(4)
    ]
    numbers = [starter.stdout.readline().strip() for starter in starters if starter.stdout]
    for starter in starters:
        starter.communicate("go\n")
    assert sorted(numbers) == ["0", "1", "2", "3"]
