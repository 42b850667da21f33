"""An image is tried out on a real Docker host, beside neighbours that put anything into their labels."""

from dataclasses import replace

import pytest

from components.docker_app.drift import differences
from components.docker_app.host_check import host_problem
from components.docker_app.labels import ID_LABEL, TRIAL_LABEL
from components.docker_app.log_lines import last_log_lines
from components.docker_app.remote_docker import RemoteDocker
from components.docker_app.trial import Trial
from tests.support.docker_sandbox import HEALTHY, Sandbox

OWNER, ID = "gitlab-deploy/prod/shop", "7f1f2f3e-0000-4000-8000-000000000001"
SECRET = "line-one-canary\nPATH=/evil\nline-three-canary"


@pytest.fixture
def trial(docker: Sandbox) -> Trial:
    """Of version 2.0.0, beside version 1.0.0."""
    docker.run("shop", "1.0.0")
    docker.wait_for("shop")
    image = docker.api("GET", f"/images/{docker.image('2.0.0')}/json")["Id"]
    return Trial(
        beside="shop",
        owner=OWNER,
        identity=ID,
        image=image,
        health_check=HEALTHY,
        memory=64,
        seconds=20,
        environment={"PASSWORD": SECRET},
        secrets=(SECRET,),
        writable=("/tmp",),
    )


def names(docker: Sandbox) -> list[str]:
    return sorted(container["Names"][0] for container in docker.api("GET", "/containers/json?all=true"))


def test_good_image_passes_with_a_secret_of_several_lines_and_files(
    docker: Sandbox, trial: Trial, remote: RemoteDocker
) -> None:
    files = {"/srv/version.txt": "from the stack file\n", "/etc/app/key": SECRET}
    check = ("sh", "-c", 'test "$PASSWORD" = "$(cat /etc/app/key)" && test "$PATH" != /evil')
    assert replace(trial, files=files).problem(remote) is None
    assert replace(trial, files=files, health_check=check).problem(remote) is None
    assert names(docker) == ["/shop"]


def test_image_that_fails_is_shown_without_its_secret_and_nothing_is_left(
    docker: Sandbox, trial: Trial, remote: RemoteDocker
) -> None:
    problem = replace(trial, health_check=("false",), seconds=1).problem(remote)
    assert problem
    assert problem.startswith("Container shop-trial: running")
    assert "canary" not in problem
    assert names(docker) == ["/shop"]


def test_reason_of_docker_itself_holds_no_secret(docker: Sandbox, trial: Trial, remote: RemoteDocker) -> None:
    for broken in (replace(trial, image="sha256:" + "0" * 64), replace(trial, networks=("nowhere",))):
        problem = broken.problem(remote)
        assert problem
        assert "canary" not in problem
        assert names(docker) == ["/shop"]


def test_running_container_of_a_neighbour_under_the_trials_name_is_left_alone(
    docker: Sandbox, trial: Trial, remote: RemoteDocker
) -> None:
    docker.run("shop-trial", "1.0.0")
    problem = trial.problem(remote)
    assert problem
    assert "is taken by a container that this stack did not create" in problem
    assert docker.api("GET", "/containers/shop-trial/json")["State"]["Running"] is True


def test_trial_that_a_killed_run_left_behind_does_not_stop_the_next(
    docker: Sandbox, trial: Trial, remote: RemoteDocker
) -> None:
    left = {"Image": docker.image("1.0.0"), "Labels": {TRIAL_LABEL: OWNER, ID_LABEL: ID}}
    docker.api("POST", "/containers/create?name=shop-trial", left)
    assert trial.problem(remote) is None
    assert names(docker) == ["/shop"]


def test_labels_of_a_neighbour_forge_no_container_and_no_command(docker: Sandbox, remote: RemoteDocker) -> None:
    forged = f"x\n{'f' * 64}\tshop\t\t\n{'e' * 64}\tevil; rm -rf /\t{ID}\tHost(`blog.test`)\n"
    labels = {"note": forged, "list": f"a,{ID_LABEL}={ID}", f"\t{ID_LABEL}": ID}
    docker.api("POST", "/containers/create?name=neighbour", {"Image": docker.image("1.0.0"), "Labels": labels})
    [found] = remote.listing()
    assert (found.name, found.identity, found.labels["note"]) == ("neighbour", "", forged)
    assert differences([found], (), identity=ID, hosts=("blog.test",), known=None) == []


def test_log_with_escape_sequences_is_shown_as_text(docker: Sandbox, remote: RemoteDocker) -> None:
    said = r"printf '\033[2J\033]0;x\007section_start:1:fake\r\033[0Kno \033[31msettings\033[0m\n'; exit 3"
    container = {"Image": docker.image("1.0.0"), "Entrypoint": ["sh", "-c", said]}
    docker.api("POST", "/containers/create?name=noisy", container)
    docker.api("POST", "/containers/noisy/start")
    docker.api("POST", "/containers/noisy/wait")
    assert last_log_lines(remote, "noisy") == [
        "Container noisy: exited, exit 3, no health check",
        "  log: no settings",
    ]
    assert host_problem(remote) is None
