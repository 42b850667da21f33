"""Deploy jobs that meet, and a deploy job that is killed in the middle."""

from collections.abc import Iterator

import pytest

from sandbox.instance import Instance
from sandbox.machine.waiting import wait
from tests.support.blog import Site
from tests.support.cluster import REPOSITORY
from tests.support.docker_stack import Load
from tests.support.gitlab_runner import TIMEOUT_SECONDS
from tests.support.project import run


@pytest.fixture(scope="module")
def team(instance: Instance, images: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    assert images
    made = Site(instance, tmp_path_factory.mktemp("team"), project="group/gitlab-deploy", namespace="faults")
    yield made
    made.close()


def locked(team: Site) -> bool:
    return any((team.state / ".pulumi" / "locks").rglob("*.json"))


def lock(team: Site, *arguments: str) -> tuple[int, str]:
    """The documented command, as a developer runs it."""
    command = ("python", "-m", "ops", "lock", "--stack", "prod", *arguments)
    done = run(*command, cwd=team.program.clone, env=team.developer)
    return done.code, done.text


def test_of_two_deploy_jobs_at_once_the_second_changes_nothing_and_names_the_first(
    team: Site, images: dict[str, str]
) -> None:
    first = team.runner.start(team.program, "deploy", IMAGE=f"{REPOSITORY}:2.0.0@{images['2.0.0']}")
    assert wait(lambda: locked(team) or first.poll() is not None, TIMEOUT_SECONDS), first.log()
    assert locked(team), first.log()
    # GitLab's resource_group lets them run one after the other; where it does not reach, the lock tells the second.
    with first.paused():
        second = team.runner.run(team.program.again(), "deploy", IMAGE=f"{REPOSITORY}:1.0.0@{images['1.0.0']}")
    done = first.end()
    assert done.code == 0, done.masked
    assert second.code != 0
    assert "stack prod is locked by" in second.log
    assert "its process runs on this host" in second.log
    assert team.on_kubernetes("/version.txt").strip() == team.on_docker("/version.txt").strip() == "2.0.0"
    assert not locked(team)


def test_a_deploy_job_killed_in_the_middle_is_released_by_one_command_and_run_again(
    team: Site, images: dict[str, str]
) -> None:
    image = f"{REPOSITORY}:3.0.0@{images['1.0.0']}"
    with Load(team.instance) as load:
        job = team.runner.start(team.program, "deploy", IMAGE=image)
        # In the middle of the rollout: the new container is being made.
        creating = "docker-app-container creating"
        assert wait(lambda: creating in job.log() or job.poll() is not None, TIMEOUT_SECONDS), job.log()
        job.crash()
        assert locked(team)
        again = team.runner.run(team.program, "deploy", IMAGE=image)
        assert again.code != 0
        assert "no pulumi of that pid runs on this host: the run is over" in again.log
        assert "python -m ops lock --stack prod --release" in again.log
        code, said = lock(team, "--release")
        assert code == 0, said
        third = team.runner.run(team.program, "deploy", IMAGE=image)
        assert third.code == 0, third.masked
    assert load.failed == []
    assert team.image() == image
    assert team.on_kubernetes("/version.txt").strip() == team.on_docker("/version.txt").strip() == "1.0.0"
