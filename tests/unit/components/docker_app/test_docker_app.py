from dataclasses import replace
from typing import Any

import pulumi
import pytest

from components.docker_app.docker_app import DockerApp
from components.docker_app.listed_container import ListedContainer
from components.docker_app.remote_docker import RemoteDocker
from components.docker_app.swap import LEVELS
from components.docker_app.trial import Trial
from components.image.reference import ImageReference
from components.settings.app import App, Health
from components.settings.docker_host import Publish
from tests.support.docker_application import ARGS, OUTPUTS, TARGET, declare
from tests.support.recorder import Recorder, deploy


def container(run: Recorder) -> Any:
    return run.one("docker:index/container:Container").inputs


def labels(run: Recorder) -> dict[str, str]:
    return {item["label"]: item["value"] for item in container(run)["labels"]}


def test_container_is_hardened_and_starts_again_by_itself() -> None:
    inputs = container(declare())
    assert inputs["restart"] == "always"
    assert inputs["readOnly"] is True
    assert inputs["capabilities"] == {"drops": ["ALL"]}
    assert inputs["securityOpts"] == ["no-new-privileges:true"]
    assert inputs["memory"] == inputs["memorySwap"] == 256
    assert inputs["logOpts"] == {"max-size": "10m", "max-file": "3"}
    assert inputs["destroyGraceSeconds"] == 30


def test_behind_the_proxy_the_container_has_no_fixed_name_and_no_port() -> None:
    inputs = container(declare())
    assert "name" not in inputs
    assert inputs.get("ports", []) == []
    assert inputs["networksAdvanced"] == [{"name": "traefik"}]


def test_published_port_is_on_loopback_by_default_and_takes_a_fixed_name() -> None:
    inputs = container(declare(host=None, publish=Publish(port=80)))
    assert inputs["ports"] == [{"internal": 8080, "external": 80, "ip": "127.0.0.1"}]
    assert inputs["name"] == "web-prod"
    assert labels(declare(host=None, publish=Publish(port=80)))["traefik.enable"] == "false"


def test_image_that_does_not_get_healthy_stops_nothing_on_a_published_port(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[Trial] = []

    def problem(trial: Trial, _: RemoteDocker) -> str:
        tried.append(trial)
        return "exited, exit 1"

    monkeypatch.setattr(Trial, "problem", problem)
    published = {"host": None, "publish": Publish(port=80), "files": {"/etc/app.conf": "text"}}
    with pytest.raises(pulumi.RunError, match="web-prod was not stopped for it, and serves on:\nexited"):
        declare(**published)
    assert tried == [
        Trial(
            beside="web-prod",
            owner="gitlab-deploy/prod/web-prod",
            identity="own-id",
            image="sha256:1",
            health_check=ARGS.app.health.command or (),
            memory=256,
            seconds=60,
            environment={"PASSWORD": "canary"},
            files={"/etc/app.conf": "text"},
            secrets=("canary",),
            writable=("/tmp",),
        )
    ]
    # A trial could not have its volumes, and behind the proxy the old container goes last.
    declare(**published, volumes={"/data": "data"})
    declare()
    assert len(tried) == 1


def test_new_container_has_to_be_healthy() -> None:
    inputs = container(declare(wait_seconds=90))
    assert inputs["wait"] is True
    assert inputs["waitTimeout"] == 90
    assert inputs["healthcheck"]["tests"] == ["CMD", "wget", "-q", "http://127.0.0.1:8080/"]


def test_command_and_args_are_in_place_of_the_images_own() -> None:
    app = replace(ARGS.app, command=("sh", "-c"), args=("exec serve",))
    inputs = container(deploy(lambda: DockerApp("app", replace(ARGS, app=app)).container, OUTPUTS))
    assert (inputs["entrypoints"], inputs["command"]) == (["sh", "-c"], ["exec serve"])
    assert not {"entrypoints", "command"} & container(declare()).keys()


def test_worker_is_seen_by_its_command_and_has_no_port_and_no_route() -> None:
    worker = App(worker=True, health=Health(command=("check",)))
    args = replace(ARGS, app=worker, target=replace(TARGET, host=None))
    run = deploy(lambda: DockerApp("app", args).container, OUTPUTS)
    assert container(run)["healthcheck"]["tests"] == ["CMD", "check"]
    assert container(run).get("ports", []) == []
    assert labels(run)["traefik.enable"] == "false"


def test_root_filesystem_is_read_only_but_where_files_are_put_into_it() -> None:
    inputs = container(declare(files={"/etc/app.conf": "text"}))
    assert inputs["uploads"] == [{"file": "/etc/app.conf", "content": "text"}]
    assert inputs["readOnly"] is False


def test_environment_is_secret() -> None:
    declared = declare().one("docker:index/container:Container")
    assert declared.secret == {"envs"}
    assert declared.inputs["envs"] == ["PASSWORD=canary"]


def test_files_are_shown_in_a_diff_unless_one_is_encrypted() -> None:
    files: dict[str, Any] = {"/etc/app.conf": "text"}
    assert declare(files=files).one("docker:index/container:Container").secret == {"envs"}

    def program() -> object:
        hidden = files | {"/etc/key": pulumi.Output.secret("canary")}
        return DockerApp("app", replace(ARGS, target=replace(TARGET, files=hidden))).container

    declared = deploy(program, OUTPUTS).one("docker:index/container:Container")
    assert declared.secret == {"envs", "uploads"}
    assert declared.inputs["uploads"][1] == {"file": "/etc/key", "content": "canary"}


def test_container_changed_by_hand_is_a_warning_that_names_it(caplog: pytest.LogCaptureFixture) -> None:
    known = replace(ARGS, remote=ARGS.remote).output("app-container-0123abc", "a" * 64)
    declare(present=(), previous=known)
    assert "ssh://deploy@host: the container 'app-container-0123abc', which this stack created, does not" in caplog.text
    caplog.clear()
    declare(present=None, previous=known)
    assert "this stack created" not in caplog.text


def test_args_refuse_a_mutable_image() -> None:
    with pytest.raises(ValueError, match="image: 'blog:latest' is another image from one day to the next"):
        replace(ARGS, image=ImageReference.parse("blog:latest"))


def test_container_runs_as_a_user_with_capabilities_mounts_and_networks_of_its_own() -> None:
    inputs = container(
        declare(
            user="1000:1000",
            capabilities=("NET_BIND_SERVICE",),
            binds={"/data": "/srv/data", "/etc/app": "/srv/conf:ro"},
            volumes={"/kept": "kept"},
            networks=("backend",),
        )
    )
    assert inputs["user"] == "1000:1000"
    assert inputs["capabilities"] == {"adds": ["NET_BIND_SERVICE"], "drops": ["ALL"]}
    assert inputs["volumes"] == [
        {"containerPath": "/kept", "volumeName": "kept"},
        {"containerPath": "/data", "hostPath": "/srv/data"},
        {"containerPath": "/etc/app", "hostPath": "/srv/conf", "readOnly": True},
    ]
    assert inputs["networksAdvanced"] == [{"name": "traefik"}, {"name": "backend"}]
    published = container(declare(host=None, publish=Publish(port=80), networks=("backend",), present=None))
    assert published["networksAdvanced"] == [{"name": "backend"}]


def test_labels_of_the_block_are_on_the_container_with_a_route_and_without() -> None:
    own = {"com.example.team": "blog"}
    assert labels(declare(labels=own))["com.example.team"] == "blog"
    without = labels(declare(labels=own, host=None))
    assert (without["com.example.team"], without["traefik.enable"]) == ("blog", "false")


def priority(found: dict[str, str]) -> int:
    """That of the router that takes the host as a whole."""
    rule = "Host(`blog.example.org`)"
    [router] = [label.removesuffix(".rule") for label, text in found.items() if text == rule]
    return int(found[f"{router}.priority"])


def leftover(found: dict[str, str]) -> ListedContainer:
    """A container of a state that is lost, or one that was made by hand, which this run takes over."""
    return ListedContainer(id="a" * 64, name="old", labels=found)


def test_first_container_comes_before_the_one_that_a_lost_state_has_left() -> None:
    first = labels(declare())
    second = labels(declare(leftovers=(leftover(first),)))
    third = labels(declare(leftovers=(leftover(first), leftover(second))))
    assert priority(first) < priority(second) < priority(third)


def test_first_container_comes_before_the_one_that_was_made_by_hand() -> None:
    by_hand = {"traefik.http.routers.blog.rule": "Host(`blog.example.org`)"}
    assert priority(labels(declare(leftovers=(leftover(by_hand),)))) > len("Host(`blog.example.org`)")


def test_a_lost_state_whose_priorities_start_over_takes_the_old_router_out() -> None:
    last = labels(declare())
    for _ in range(LEVELS - 1):
        last = labels(declare(leftovers=(leftover(last),)))
    following = labels(declare(leftovers=(leftover(last),)))
    assert priority(following) < priority(last)
    [old] = [label for label, text in last.items() if text == "Host(`blog.example.org`)"]
    # Traefik drops a router that two containers define differently.
    assert following[old] != last[old]


def test_a_leftover_with_no_route_or_of_another_host_changes_nothing() -> None:
    elsewhere = {"traefik.http.routers.blog.rule": "Host(`other.example.org`)"}
    assert labels(declare(leftovers=(leftover({}), leftover(elsewhere)))) == labels(declare())
