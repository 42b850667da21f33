import json
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pulumi
import pytest
import yaml

from components import preflight
from components.docker_app.host_check import HostCheck
from components.docker_app.listed_container import ListedContainer
from components.settings import settings
from tests.support.answering import answering
from tests.support.gitlab_double import GitLabDouble


@pytest.fixture
def server() -> Iterator[str]:
    with answering() as address:
        yield address


@pytest.fixture
def silent() -> Iterator[str]:
    """A server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture
def dripping() -> Iterator[str]:
    """A server that sends one byte of its answer after the other, and gives the answer in the end."""
    done = threading.Event()

    def drip(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection, suppress(OSError):
            connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
            for _ in range(60):
                if done.wait(0.05):
                    return
                connection.sendall(b"x")
            connection.sendall(b"\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=drip, args=(listener,))
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        done.set()
        thread.join()


def closed() -> str:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


def kubeconfig(path: Path, server: str, context: str = "one", **cluster: str) -> str:
    config = {
        "current-context": context,
        "contexts": [{"name": "one", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": server, **cluster}}],
    }
    path.write_text(yaml.safe_dump(config))
    return str(path)


def test_any_answer_will_do(server: str, tmp_path: Path) -> None:
    assert preflight.kubernetes_problem({"KUBECONFIG": kubeconfig(tmp_path / "k", server)}) is None


def test_closed_port_is_named(tmp_path: Path) -> None:
    address = closed()
    problem = preflight.kubernetes_problem({"KUBECONFIG": kubeconfig(tmp_path / "k", address)})
    assert problem == (
        f"The Kubernetes API server {address} does not answer (Connection refused); check the address and the network"
    )


def test_server_that_is_silent_is_given_up(silent: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight, "TIMEOUT_SECONDS", 0.2)
    problem = preflight.kubernetes_problem({"KUBECONFIG": kubeconfig(tmp_path / "k", silent)})
    assert problem
    assert "no reply within 0.2 s" in problem


def test_server_that_drips_is_given_up(dripping: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight, "TIMEOUT_SECONDS", 0.3)
    problem = preflight.kubernetes_problem({"KUBECONFIG": kubeconfig(tmp_path / "k", dripping)})
    assert problem
    assert "no reply within 0.3 s" in problem


def test_unknown_host_is_named(tmp_path: Path) -> None:
    problem = preflight.kubernetes_problem({"KUBECONFIG": kubeconfig(tmp_path / "k", "https://nowhere.invalid:6443")})
    assert problem
    assert "https://nowhere.invalid:6443 does not answer" in problem


def test_proxy_of_the_kubeconfig_is_used(server: str, tmp_path: Path) -> None:
    path = kubeconfig(tmp_path / "k", "http://nowhere.invalid", **{"proxy-url": server})
    assert preflight.kubernetes_problem({"KUBECONFIG": path}) is None


def test_several_files_are_read_as_kubectl_reads_them(server: str, tmp_path: Path) -> None:
    first = tmp_path / "first"
    first.write_text("current-context: one\n")
    second = kubeconfig(tmp_path / "second", server, context="other")
    missing = tmp_path / "missing"
    assert preflight.kubernetes_problem({"KUBECONFIG": f"{missing}:{first}:{second}"}) is None


def test_home_is_where_the_kubeconfig_is_without_the_variable(tmp_path: Path) -> None:
    (tmp_path / ".kube").mkdir()
    address = closed()
    kubeconfig(tmp_path / ".kube" / "config", address)
    problem = preflight.kubernetes_problem({"HOME": str(tmp_path)})
    assert problem
    assert address in problem


def test_no_kubeconfig_at_all_is_a_problem_but_not_inside_of_a_cluster(tmp_path: Path) -> None:
    problem = preflight.kubernetes_problem({"HOME": str(tmp_path)})
    assert problem
    assert "there is no ~/.kube/config; point KUBECONFIG at the cluster" in problem
    problem = preflight.kubernetes_problem({"KUBECONFIG": str(tmp_path / "k")})
    assert problem
    assert f"KUBECONFIG names {tmp_path / 'k'}, which is not there" in problem
    assert preflight.kubernetes_problem({"HOME": str(tmp_path), "KUBERNETES_SERVICE_HOST": "10.0.0.1"}) is None


@pytest.mark.parametrize("text", ["", "a: [", "current-context: gone\n", "- a\n", "\x00"])
def test_malformed_kubeconfig_is_one_sentence_that_does_not_show_it(text: str, tmp_path: Path) -> None:
    path = tmp_path / "k"
    path.write_text(text)
    problem = preflight.kubernetes_problem({"KUBECONFIG": str(path)})
    assert problem
    assert problem.startswith(f"The kubeconfig {path} has no current context with a server")
    assert "\n" not in problem


@pytest.mark.parametrize("preview", [False, True])
def test_kubectl_is_asked_for_before_anything_is_touched_but_by_no_preview(
    server: str, tmp_path: Path, *, preview: bool
) -> None:
    values = {
        "gitlab-deploy:cluster": "production",
        "gitlab-deploy:image": "blog:1.0.0",
        "gitlab-deploy:app": json.dumps({"port": 8080}),
        "gitlab-deploy:kubernetes": json.dumps({"namespace": "example"}),
    }
    stack, _ = settings.parse(values)
    assert stack
    environment = {"KUBECONFIG": kubeconfig(tmp_path / "k", server), "PATH": str(tmp_path)}
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
        "hostKey": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIN1TP8Zk3fIPC98LZDnN3wH4hrQAwW1FW7pZb4FaV/b1",
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


def test_preview_does_without_the_docker_host_but_not_without_its_pinned_key(caplog: pytest.LogCaptureFixture) -> None:
    stack, away = docker_stack(), HostCheck(problem="The Docker host does not answer")
    preflight.require(stack, {}, away, identity="own-id", known=None, preview=True)
    assert "The Docker host does not answer" in caplog.text
    for check, preview in ((away, False), (HostCheck(problem="another key", is_another_host=True), True)):
        with pytest.raises(pulumi.RunError, match=f"Nothing was changed:\n  {check.problem}"):
            preflight.require(stack, {}, check, identity="own-id", known=None, preview=preview)


def test_name_of_a_published_container_that_is_taken_stops_the_run() -> None:
    stranger = HostCheck(containers=(ListedContainer(id="a" * 64, name="web-stack"),))
    with pytest.raises(pulumi.RunError, match="The name web-stack is taken by a container that this stack did not"):
        preflight.require(docker_stack(publish={"port": 80}), {}, stranger, identity="own-id", known=None, preview=True)
    preflight.require(docker_stack(host="blog.example.org"), {}, stranger, identity="own-id", known=None, preview=True)
