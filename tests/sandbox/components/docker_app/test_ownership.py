"""A stack on a real Docker host next to what is not its own, and to what a killed run of its own left."""

import pytest

from sandbox.machine.waiting import wait
from tests.sandbox.components.docker_app.clone import PUBLISHED, Make, ids, running_version, state
from tests.support.docker_sandbox import LABELS, SITE, Sandbox


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


def test_up_fails_if_its_container_stays_unhealthy_and_replaces_one_that_is_gone(docker: Sandbox, clone: Make) -> None:
    mine = clone("a", host=SITE)
    check = ("sh", "-c", "test ! -e /tmp/broken")
    mine.choose("1.0.0", check, waitSeconds=60)
    project = mine.project
    stack_file = project.folder / "Pulumi.test.yaml"
    stack_file.write_text(
        stack_file.read_text().replace("  gitlab-deploy:app:\n", "  gitlab-deploy:app:\n    writable: [/tmp]\n")
    )
    mine.up()
    own = mine.container()
    made = docker.api("POST", f"/containers/{own}/exec", {"Cmd": ["sh", "-c", ": >/tmp/broken"]})
    docker.api("POST", f"/exec/{made['Id']}/start", {"Detach": True})
    docker.wait_for(own, "unhealthy")
    assert "is unhealthy, so the reverse proxy may not route to it" in mine.preview()
    text = stack_file.read_text()
    stack_file.write_text(text.replace("waitSeconds: 60", "waitSeconds: 10"))
    assert "does not serve: " in mine.up(fails=True)
    stack_file.write_text(text)
    docker.api("DELETE", f"/containers/{own}?force=true")
    assert "does not exist any more; 'pulumi up' creates another" in mine.preview()
    mine.up()
    assert running_version(docker, mine.container()) == "1.0.0"


def test_containers_that_go_are_stopped_with_their_grace_period_first(docker: Sandbox, clone: Make) -> None:
    # The site drains for five seconds.
    mine = clone("a", host=SITE, stopSeconds=20)
    own = []
    for version in ("1.0.0", "2.0.0"):
        mine.choose(version)
        mine.up()
        own.append(mine.container())
    destroyed = mine.project.pulumi("destroy", "--yes")
    assert destroyed.code == 0, destroyed.text
    assert ids(docker) == set()
    containers = [word for one in own for word in ("--filter", f"container={one}")]
    shown = ("--format", "{{.Action}} {{.Actor.Attributes.signal}}")

    def events() -> str:
        return docker.cli("events", "--since", "10m", "--until", "0s", *shown, *containers)

    # Docker tells of an end a moment after it.
    assert wait(lambda: events().count("destroy") == 2, 10)
    assert events().count("kill 15") == 2
    assert "kill 9" not in events()
