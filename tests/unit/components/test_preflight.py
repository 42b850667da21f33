import json
import os
import subprocess
from functools import partial
from pathlib import Path
from typing import Any

import pulumi
import pytest

from components import preflight
from components.cluster.kubectl import Kubectl
from components.compose.host import HostState
from components.docker_app.host_check import HostCheck
from components.docker_app.listed_container import ListedContainer
from components.settings import settings
from tests.support.docker_double import HOST_KEY
from tests.support.gitlab_double import GitLabDouble


def kubectl(stderr: str = "", view: str | None = "https://k8s:6443", contexts: str | None = "one\ntwo\n") -> Kubectl:
    """kubectl that says this when it asks the server; `view` is the address of the current context."""

    def run(*arguments: str, **_: Any) -> subprocess.CompletedProcess[str]:
        text = {"get": "" if not stderr else None, "view": view, "get-contexts": contexts}[
            arguments[0] if arguments[0] == "get" else arguments[1]
        ]
        return subprocess.CompletedProcess(arguments, int(text is None), stdout=text or "", stderr=stderr)

    return run


def problem(path: Path, run: Kubectl) -> str | None:
    path.touch()
    return preflight.kubernetes_problem({"KUBECONFIG": str(path)}, run)


@pytest.mark.parametrize(
    "said",
    [
        "",
        'Error from server (Forbidden): forbidden: User "x" cannot get path "/version"',
        "E1126 memcache.go:265] x\nError from server (ServiceUnavailable): the server is currently unable to handle",
    ],
)
def test_any_answer_will_do(said: str, tmp_path: Path) -> None:
    assert problem(tmp_path / "k", kubectl(said)) is None


def test_credential_that_the_cluster_does_not_know_is_named_with_the_remedy(tmp_path: Path) -> None:
    said = "error: You must be logged in to the server (the server has asked for the client to provide credentials)"
    assert problem(tmp_path / "k", kubectl(said)) == (
        "The Kubernetes API server https://k8s:6443 does not accept the credential of the kubeconfig's current "
        "context; renew it, or choose another context with 'kubectl config use-context NAME'"
    )


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("Unable to connect to the server: dial tcp: lookup k8s: no such host", "dial tcp: lookup k8s: no such host"),
        ("no reply within 5 s", "no reply within 5 s"),
        ("The connection to the server k8s:6443 was refused - did you specify", "Connection refused"),
    ],
)
def test_server_that_does_not_answer_is_named_with_the_reason(said: str, reason: str, tmp_path: Path) -> None:
    assert problem(tmp_path / "k", kubectl(said)) == (
        f"The Kubernetes API server https://k8s:6443 does not answer ({reason}); check the address and the network"
    )


def test_kubeconfig_with_no_current_context_says_which_to_choose_from(tmp_path: Path) -> None:
    path = tmp_path / "k"
    assert problem(path, kubectl("The connection to the server localhost:8080 was refused", view=None)) == (
        f"The kubeconfig {path} has no current context that is complete; choose one with "
        "'kubectl config use-context NAME', NAME being one of: one, two"
    )
    said = problem(path, kubectl("The connection to the server localhost:8080 was refused", view=None, contexts=""))
    assert said == f"The kubeconfig {path} has no context; point KUBECONFIG at the cluster this stack deploys to"


def test_malformed_kubeconfig_is_one_sentence_that_does_not_show_it(tmp_path: Path) -> None:
    path = tmp_path / "k"
    said = problem(path, kubectl("error: error loading config file: canary", view=None, contexts=None))
    assert (
        said
        == f"The kubeconfig {path} cannot be read by kubectl; point KUBECONFIG at the cluster this stack deploys to"
    )


def test_kubeconfig_may_be_a_pipe_which_kubectl_alone_reads(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert preflight.kubernetes_problem({"KUBECONFIG": str(tmp_path / "pipe")}, kubectl()) is None


def test_without_kubectl_no_server_is_asked(tmp_path: Path) -> None:
    def run(*_: str, **__: Any) -> subprocess.CompletedProcess[str]:
        raise FileNotFoundError

    assert problem(tmp_path / "k", run) is None


def test_no_kubeconfig_at_all_is_a_problem_but_not_inside_of_a_cluster(tmp_path: Path) -> None:
    problem = preflight.kubernetes_problem({"HOME": str(tmp_path)})
    assert problem
    assert "there is no ~/.kube/config; point KUBECONFIG at the cluster" in problem
    problem = preflight.kubernetes_problem({"KUBECONFIG": str(tmp_path / "k")})
    assert problem
    assert f"KUBECONFIG names {tmp_path / 'k'}, which is not there" in problem
    assert preflight.kubernetes_problem({"HOME": str(tmp_path), "KUBERNETES_SERVICE_HOST": "10.0.0.1"}) is None


@pytest.mark.parametrize("preview", [False, True])
def test_kubectl_is_asked_for_before_anything_is_touched_but_by_no_preview(tmp_path: Path, *, preview: bool) -> None:
    values = {
        "gitlab-deploy:cluster": "production",
        "gitlab-deploy:image": "blog:1.0.0",
        "gitlab-deploy:app": json.dumps({"port": 8080}),
        "gitlab-deploy:kubernetes": json.dumps({"namespace": "example"}),
    }
    stack, _ = settings.parse(values)
    assert stack
    (tmp_path / "k").touch()
    environment = {"KUBECONFIG": str(tmp_path / "k"), "PATH": str(tmp_path)}
    if preview:
        preflight.require(stack, environment, HostCheck(), identity="own-id", known=None, preview=True)
    else:
        with pytest.raises(pulumi.RunError, match="There is no kubectl on PATH, which watches the rollout"):
            preflight.require(stack, environment, HostCheck(), identity="own-id", known=None, preview=False)


@pytest.mark.parametrize("word", ["1", "true"])
def test_offline_asks_nobody_and_is_for_previews_only(word: str) -> None:
    stack, _ = settings.parse(
        {
            "gitlab-deploy:cluster": "production",
            "gitlab-deploy:gitlabProject": "group/blog",
            "gitlab-deploy:gitlabUrl": "https://nowhere.invalid",
            "gitlab-deploy:access": json.dumps(
                {"namespace": "example", "serviceAccount": "sa", "server": "https://nowhere.invalid"}
            ),
        }
    )
    assert stack
    preflight.require(stack, {"GITLAB_DEPLOY_OFFLINE": word}, HostCheck(), identity="own-id", known=None, preview=True)
    with pytest.raises(pulumi.RunError, match=r"Nothing was changed: GITLAB_DEPLOY_OFFLINE is set.*unset it to deploy"):
        preflight.require(
            stack, {"GITLAB_DEPLOY_OFFLINE": word}, HostCheck(), identity="own-id", known=None, preview=False
        )
    with pytest.raises(pulumi.RunError, match=r"nowhere\.invalid"):
        preflight.require(
            stack,
            {"GITLAB_DEPLOY_OFFLINE": "0", "GITLAB_TOKEN": "glpat-x"},
            HostCheck(),
            identity="own-id",
            known=None,
            preview=True,
        )


def gitlab_stack(url: str, **fields: object) -> settings.Settings:
    block = {"server": "registry.example.com"}
    values = {
        "gitlab-deploy:gitlabProject": "group/blog",
        "gitlab-deploy:gitlabUrl": url,
        "gitlab-deploy:registry": json.dumps(block | fields),
    }
    stack, problems = settings.parse(values)
    assert stack, problems
    return stack


def docker_stack(**target: object) -> settings.Settings:
    """The settings of a stack that is on a Docker host alone."""
    block = {
        "address": "ssh://deploy@host",
        "hostKey": HOST_KEY,
    }
    values = {
        "gitlab-deploy:image": "blog:1.0.0",
        "gitlab-deploy:app": json.dumps({"port": 8080}),
        "gitlab-deploy:dockerHost": json.dumps(block | target),
    }
    stack, problems = settings.parse(values)
    assert stack, problems
    return stack


def test_what_gitlab_would_refuse_stops_a_run_and_warns_a_preview(
    double: GitLabDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    warned: list[str] = []
    monkeypatch.setattr(pulumi.log, "warn", warned.append)
    reader = {"GITLAB_TOKEN": double.new_token(scopes=("read_api",))}
    stack = gitlab_stack(double.url)
    preflight.require(stack, reader, HostCheck(), identity="own-id", known=None, preview=True)
    assert [text.partition(",")[0] for text in warned] == ["The GitLab token has read_api"]
    with pytest.raises(pulumi.RunError, match=r"Nothing was changed:\n  The GitLab token has read_api, and"):
        preflight.require(stack, reader, HostCheck(), identity="own-id", known=None, preview=False)


@pytest.mark.parametrize("preview", [True, False])
def test_a_token_that_no_run_can_use_stops_previews_too(double: GitLabDouble, *, preview: bool) -> None:
    with pytest.raises(pulumi.RunError, match="refused the token"):
        preflight.require(
            gitlab_stack(double.url),
            {"GITLAB_TOKEN": "glpat-x"},
            HostCheck(),
            identity="own-id",
            known=None,
            preview=preview,
        )
    with pytest.raises(pulumi.RunError, match="There is no GitLab token; export GITLAB_TOKEN"):
        preflight.require(gitlab_stack(double.url), {}, HostCheck(), identity="own-id", known=None, preview=preview)


def test_each_project_is_asked_for_what_the_stack_keeps_there() -> None:
    block = {"namespace": "example", "serviceAccount": "sa", "server": "https://k.example.com"}
    values = {
        "gitlab-deploy:cluster": "production",
        "gitlab-deploy:gitlabProject": "group/blog",
        "gitlab-deploy:gitlabUrl": "https://gitlab.example.com",
        "gitlab-deploy:access": json.dumps(
            block | {"environment": "production", "preview": True, "previewProject": "group/deploy"}
        ),
        "gitlab-deploy:registry": json.dumps({"server": "registry.example.com"}),
    }
    stack, problems = settings.parse(values)
    assert stack, problems
    assert stack.in_gitlab == {
        "group/blog": {"variables", "deploy tokens"},
        "group/deploy": {"variables"},
    }
    assert gitlab_stack("https://gitlab.com", project="group/images").in_gitlab == {"group/images": {"deploy tokens"}}


def test_preview_does_without_the_docker_host_but_not_without_its_pinned_key(monkeypatch: pytest.MonkeyPatch) -> None:
    warned: list[str] = []
    monkeypatch.setattr(pulumi.log, "warn", warned.append)
    stack, away = docker_stack(), HostCheck(problem="The Docker host does not answer")
    preflight.require(stack, {}, away, identity="own-id", known=None, preview=True)
    assert warned == ["The Docker host does not answer"]
    for check, preview in ((away, False), (HostCheck(problem="another key", is_another_host=True), True)):
        with pytest.raises(pulumi.RunError, match=f"Nothing was changed:\n  {check.problem}"):
            preflight.require(stack, {}, check, identity="own-id", known=None, preview=preview)


def test_name_of_a_published_container_that_is_taken_stops_the_run() -> None:
    stranger = HostCheck(containers=(ListedContainer(id="a" * 64, name="web-stack"),))
    with pytest.raises(pulumi.RunError, match="The name web-stack is taken by a container that this stack did not"):
        preflight.require(docker_stack(publish={"port": 80}), {}, stranger, identity="own-id", known=None, preview=True)
    preflight.require(docker_stack(host="blog.example.org"), {}, stranger, identity="own-id", known=None, preview=True)


def test_what_somebody_else_has_of_a_compose_project_stops_the_run_and_names_adopt() -> None:
    values = {
        "gitlab-deploy:image": "blog:1.0.0",
        "gitlab-deploy:dockerHost": json.dumps(
            {"address": "ssh://deploy@host", "hostKey": HOST_KEY, "compose": ["docker-compose.yml"]}
        ),
    }
    stack, problems = settings.parse(values, stack="prod")
    assert stack, problems
    refuse = partial(preflight.require, stack, {}, HostCheck(), identity="own-id", known=None, preview=True)
    refuse(project=HostState())
    with pytest.raises(
        pulumi.RunError, match=r"\n  a sentence\n  If the stack is .* 'python -m ops adopt --stack prod'"
    ):
        refuse(project=HostState(taken=("a sentence",)))
    with pytest.raises(pulumi.RunError, match=r"\n  no network$"):
        refuse(project=HostState(problems=("no network",)))
