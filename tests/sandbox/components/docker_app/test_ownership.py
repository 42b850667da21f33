"""A stack on a real Docker host next to what is not its own, and to what a killed run of its own left."""

import json
import re
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sandbox.machine.waiting import wait
from tests.sandbox.hosts.docker_sandbox import HEALTHY, LABELS, SITE, Sandbox
from tests.support.processes import descendants
from tests.support.project import Project, Run

PUBLISHED = {"address": "127.0.0.1", "port": 18080}
Make = Callable[..., "Clone"]


class Clone:
    """A clone of the program with a state of its own; its stack is called as that of every other clone."""

    def __init__(self, docker: Sandbox, folder: Path, engine: dict[str, str], **block: Any) -> None:
        (folder / "project").mkdir(parents=True)
        (folder / "state").mkdir()
        self.docker = docker
        self.block = {
            "address": docker.docker.address,
            "hostKey": docker.docker.host_key,
            "identityFile": str(docker.docker.key),
            "stopSeconds": 3,
            "waitSeconds": 20,
            "overlapSeconds": 0,
            **block,
        }
        self.project = Project(folder / "project", engine | {"PULUMI_BACKEND_URL": (folder / "state").as_uri()})
        self.project.init()
        self.choose("1.0.0")

    def choose(self, version: str, check: tuple[str, ...] = HEALTHY, **block: Any) -> None:
        app = {"port": 8080, "memory": "64Mi", "health": {"command": list(check)}}
        image = self.docker.image(version)
        self.project.configure({"image": image, "app": app, "dockerHost": self.block | block})

    def up(self, *, fails: bool = False) -> str:
        return self._checked(self.project.pulumi("up", "--yes", "--skip-preview"), fails=fails)

    def preview(self, *options: str, fails: bool = False) -> str:
        return self._checked(self.project.pulumi("preview", *options), fails=fails)

    def container(self) -> str:
        """Id of the container of the last run that succeeded."""
        return str(json.loads(self.project.pulumi("stack", "output", "--json").stdout)["dockerHost"]["id"])

    def kill_once_created(self) -> None:
        """Runs `up`, and kills everything of it once there is one container more."""
        before = len(listing(self.docker))
        command = ["pulumi", "up", "--yes", "--skip-preview", "--non-interactive", "--stack", "test"]
        null = subprocess.DEVNULL
        with subprocess.Popen(
            command, cwd=self.project.folder, env=self.project.environment, stdout=null, stderr=null
        ) as cli:
            assert wait(lambda: len(listing(self.docker)) > before, 120)
            for pid in (cli.pid, *descendants(cli.pid)):
                subprocess.run(["kill", f"-{signal.SIGKILL.value}", str(pid)], check=False, capture_output=True)
        cancelled = self.project.run("pulumi", "cancel", "--yes", "--non-interactive", "--stack", "test")
        assert cancelled.code == 0, cancelled.text

    @staticmethod
    def _checked(run: Run, *, fails: bool) -> str:
        assert (run.code != 0) == fails, run.text
        assert "Traceback" not in run.text
        return re.sub(r"\s+", " ", run.text)


def listing(docker: Sandbox) -> list[Any]:
    found: list[Any] = docker.api("GET", "/containers/json?all=true")
    return found


def ids(docker: Sandbox) -> set[str]:
    return {container["Id"] for container in listing(docker)}


def state(docker: Sandbox, container: str) -> str:
    return str(docker.api("GET", f"/containers/{container}/json")["State"]["Status"])


@pytest.fixture
def clone(docker: Sandbox, tmp_path: Path, engine: dict[str, str]) -> Make:
    """Makes a clone by its name, with keys of the block dockerHost."""
    return lambda name, **block: Clone(docker, tmp_path / name, engine, **block)


def test_another_clone_on_the_same_port_is_refused_and_the_first_serves_on(docker: Sandbox, clone: Make) -> None:
    one, other = (clone(name, publish=PUBLISHED) for name in ("a", "b"))
    one.up()
    own = one.container()
    for said in (other.preview(fails=True), other.up(fails=True)):
        assert "The name web-test is taken by a container that this stack did not create, 'web-test'" in said
        assert "Port 18080 is held by a container that this stack did not create, 'web-test'" in said
    other.choose("1.0.0", name="other")
    assert "Port 18080 is held by" in other.up(fails=True)
    assert ids(docker) == {own}
    assert state(docker, own) == "running"
    one.preview("--expect-no-changes")


def test_route_of_somebody_else_to_the_same_host_is_refused(docker: Sandbox, clone: Make) -> None:
    rule = {"traefik.http.routers.blog.rule": f"PathPrefix(`/x`) || Host(`{SITE.upper()}`)"}
    docker.run("rival", "1.0.0", labels=LABELS | rule | {"com.docker.compose.project": "by\x1bhand"})
    mine = clone("a", host=SITE)
    for said in (mine.preview(fails=True), mine.up(fails=True)):
        assert f"The host {SITE} is routed to a container that this stack did not create, 'rival' (compose" in said
        assert "\x1b" not in said
    assert len(ids(docker)) == 1
    docker.remove("rival")
    paths = {"traefik.http.routers.blog.rule": f"Host(`{SITE}`) && PathPrefix(`/api`)"}
    docker.run("rival", "1.0.0", labels=LABELS | paths)
    assert f"'rival' has a route for {SITE} too" in mine.up()
    assert len(ids(docker)) == 2


def test_container_of_a_killed_run_is_named_and_removed_by_the_next_up(docker: Sandbox, clone: Make) -> None:
    mine = clone("a", host=SITE)
    mine.up()
    old = mine.container()
    mine.choose("2.0.0")
    mine.kill_once_created()
    [left] = ids(docker) - {old}
    said = mine.preview()
    assert "is this stack's and not in its state" in said
    assert "which was not in the state, is removed" in mine.up()
    new = mine.container()
    assert ids(docker) == {new}
    assert new not in {old, left}
    assert "not in its state" not in mine.preview("--expect-no-changes")
    assert wait(lambda: docker.serves("2.0.0"), 60), docker.get()


def test_container_of_a_killed_run_under_the_fixed_name_does_not_stop_the_next(docker: Sandbox, clone: Make) -> None:
    mine = clone("a", publish=PUBLISHED)
    mine.kill_once_created()
    [left] = ids(docker)
    mine.up()
    assert ids(docker) == {mine.container()} != {left}


@pytest.mark.parametrize(("action", "state_"), [("stop?t=1", "is stopped (exited)"), ("pause", "is paused")])
def test_container_that_was_stopped_or_paused_by_hand_serves_again(
    docker: Sandbox, clone: Make, action: str, state_: str
) -> None:
    mine = clone("a", host=SITE)
    mine.up()
    own = mine.container()
    docker.api("POST", f"/containers/{own}/{action}")
    assert state_ in mine.preview()
    assert "and serves" in mine.up()
    assert ids(docker) == {own}
    assert docker.health(own) == "healthy"
    assert state(docker, own) == "running"
    assert state_ not in mine.preview("--expect-no-changes")


def test_up_fails_if_its_container_stays_unhealthy_or_is_gone(docker: Sandbox, clone: Make) -> None:
    mine = clone("a", host=SITE)
    check = ("sh", "-c", "test ! -e /tmp/broken")
    mine.choose("1.0.0", check, waitSeconds=10)
    project = mine.project
    stack_file = project.folder / "Pulumi.test.yaml"
    stack_file.write_text(
        stack_file.read_text().replace("  gitlab-deploy:app:\n", "  gitlab-deploy:app:\n    writable: [/tmp]\n")
    )
    mine.up()
    own = mine.container()
    made = docker.api("POST", f"/containers/{own}/exec", {"Cmd": ["touch", "/tmp/broken"]})
    docker.api("POST", f"/exec/{made['Id']}/start", {"Detach": True})
    docker.wait_for(own, "unhealthy")
    assert "is unhealthy, so the reverse proxy may not route to it" in mine.preview()
    assert "does not serve: " in mine.up(fails=True)
    docker.api("DELETE", f"/containers/{own}?force=true")
    assert "does not exist any more; 'pulumi up --refresh' creates another" in mine.preview()
    assert "does not exist any more; 'pulumi up --refresh' creates another" in mine.up(fails=True)


def test_containers_that_go_are_stopped_with_their_grace_period_first(docker: Sandbox, clone: Make) -> None:
    mine = clone("a", host=SITE)
    mine.up()
    mine.choose("2.0.0")
    mine.up()
    destroyed = mine.project.pulumi("destroy", "--yes")
    assert destroyed.code == 0, destroyed.text
    assert ids(docker) == set()
    events = docker.cli(
        "events",
        "--since",
        "10m",
        "--until",
        "0s",
        "--format",
        "{{.Action}} {{.Actor.Attributes.signal}}",
        "--filter",
        "type=container",
    )
    assert events.count("kill 15") == events.count("destroy") == 2
    assert "kill 9" not in events
