"""`python -m ops doctor` on machines on which something is missing: each is one line with its remedy."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.gitlab_double import GitLabDouble
from tests.support.ops_command import ops
from tests.support.project import Project

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIN1TP8Zk3fIPC98LZDnN3wH4hrQAwW1FW7pZb4FaV/b1"
ACCESS = {"namespace": "example", "serviceAccount": "sa", "server": "https://kube.example.com"}


@pytest.fixture
def project(tmp_path: Path, engine: dict[str, str]) -> Project:
    """A stack of the program that has never run, and a kubeconfig that is not there."""
    folder, state = tmp_path / "project", tmp_path / "state"
    folder.mkdir()
    state.mkdir()
    here = {"PULUMI_BACKEND_URL": state.as_uri(), "KUBECONFIG": str(tmp_path / "kubeconfig")}
    made = Project(folder, engine | here)
    made.environment.pop("GITLAB_TOKEN", None)
    made.init()
    return made


def config(**changes: Any) -> dict[str, Any]:
    keys = {"cluster": "production", "gitlabUrl": "https://gitlab.invalid", "gitlabProject": "group/blog"}
    return {**keys, "access": ACCESS, **changes}


def failed(project: Project, **environment: str) -> list[str]:
    """The checks that fail; nothing was changed by looking."""
    run = ops(project, "doctor", "--stack", project.stack, **environment)
    assert "Traceback" not in run.text
    assert run.stderr == ""
    found = [line.removeprefix("FAIL  ") for line in run.stdout.splitlines() if line.startswith("FAIL")]
    assert (run.code, run.stdout.splitlines()[-1]) == (1, f"{len(found)} to do"), run.text
    assert '"resources"' not in project.export()
    return found


def test_a_cluster_a_gitlab_and_a_token_that_are_not_there_are_listed_together(project: Project) -> None:
    project.configure(config())
    cluster, gitlab = failed(project)
    assert cluster.startswith("No kubeconfig was found: KUBECONFIG names ")
    assert "GITLAB_TOKEN" in gitlab


def test_an_api_server_that_does_not_answer_is_named(project: Project) -> None:
    clusters = [{"name": "c", "cluster": {"server": "https://127.0.0.1:1"}}]
    contexts = [{"name": "c", "context": {"cluster": "c", "user": "u"}}]
    users = [{"name": "u", "user": {"token": "none"}}]
    kubeconfig = {"current-context": "c", "contexts": contexts, "clusters": clusters, "users": users}
    Path(project.environment["KUBECONFIG"]).write_text(yaml.safe_dump(kubeconfig))
    project.configure(config())
    assert "https://127.0.0.1:1 does not answer" in failed(project)[0]


def test_a_stack_file_with_problems_is_all_there_is_to_say(project: Project) -> None:
    project.configure(config(access={**ACCESS, "namespace": "Example"}, imgae="x"))
    (problem,) = failed(project)
    assert problem.startswith("Pulumi.test.yaml has to be right first; correct it:")


def test_a_wrong_passphrase_is_named(project: Project) -> None:
    assert project.pulumi("config", "set", "--secret", "gitlab-deploy:gitlabToken", "glpat-canary").code == 0
    (problem,) = failed(project, PULUMI_CONFIG_PASSPHRASE="another")
    assert "incorrect passphrase" in problem
    assert "canary" not in problem


def test_a_state_that_nobody_is_logged_in_to_is_named(project: Project, tmp_path: Path) -> None:
    run = ops(project, "doctor", "--stack", "test", PULUMI_BACKEND_URL=(tmp_path / "nowhere").as_uri())
    assert run.code == 1
    assert "run 'pulumi login'" in run.stdout


def test_a_stack_that_is_locked_is_named(project: Project, tmp_path: Path) -> None:
    project.configure(config())
    lock = tmp_path / "state" / ".pulumi" / "locks" / "organization" / "gitlab-deploy" / "test" / "a.json"
    lock.write_text('{"pid": 57, "username": "root", "hostname": "runner-1", "timestamp": "2026-11-24T10:00:00Z"}')
    (problem,) = failed(project)
    assert problem.startswith("stack test is locked by root@runner-1")
    assert problem.endswith("; see 'python -m ops lock --stack test'")


def test_a_token_that_is_too_weak_is_named_in_gitlabs_words(project: Project, double: GitLabDouble) -> None:
    project.configure(
        {
            "gitlabUrl": double.url,
            "gitlabProject": "group/blog",
            "registry": {"server": "registry.example.com"},
            "image": "registry.example.com/group/blog:1.0.0",
            "app": {"port": 8080},
            "dockerHost": {"address": "ssh://deploy@127.0.0.1:1", "hostKey": KEY, "host": "blog.example.org"},
        }
    )
    gitlab, docker = failed(project, GITLAB_TOKEN=double.new_token(scopes=("read_api",)))
    assert "read_api" in gitlab
    assert "The Docker host ssh://deploy@127.0.0.1:1 cannot be used" in docker
