"""What a developer sees of a stack on both targets: while it is put up, at its end, and any time after that."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.instance import Instance
from tests.support.cluster import REPOSITORY, Deployed
from tests.support.docker_stack import HOST
from tests.support.documents import Terminal, blocks
from tests.support.ops_command import ops
from tests.support.project import ROOT, Run, leaks

ON_CLUSTER = "blog.cluster.example.org"


@pytest.fixture(scope="module")
def blog(instance: Instance, images: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    """The stack of `make up` with an Ingress, put up once for the tests of this module."""
    assert images
    folder = tmp_path_factory.mktemp("glance")
    stack = Deployed(instance, folder, os.environ | instance.environment(), docker=True)
    stack.edit(lambda config: config["gitlab-deploy:kubernetes"].update({"host": ON_CLUSTER}))
    stack.up()
    yield stack
    run = stack.project.pulumi("destroy", "--yes")
    assert run.code == 0, run.text


@pytest.fixture(scope="module")
def first(blog: Deployed) -> Run:
    """The run that has put the stack up."""
    (found,) = [run for run in blog.project.runs if "app-deployment created" in run.text]
    return found


def test_a_run_says_how_far_a_container_is(first: Run) -> None:
    # How far Pods are is shown where they stay unready: here they may be ready by the first look.
    for words in ("pulling", "pulled", "waiting until it is healthy", "is healthy", "the reverse proxy serves"):
        assert words in first.stdout, words
        # In the log of a job, and not once more among the messages at the end.
        assert words not in first.stdout.partition("Diagnostics:")[2], words


def test_a_run_ends_with_the_image_and_the_addresses(first: Run, blog: Deployed) -> None:
    ended = first.stdout.partition("Diagnostics:")[2]
    assert f"{REPOSITORY}:1.0.0" in ended
    assert f"(deployed by a developer): http://{ON_CLUSTER}/ https://{HOST}/" in ended
    assert blog.output("addresses") == {"kubernetes": [f"http://{ON_CLUSTER}/"], "dockerHost": [f"https://{HOST}/"]}


def test_the_end_of_a_run_is_no_change_for_the_next_one(blog: Deployed) -> None:
    run = blog.project.pulumi("preview", "--diff", "--expect-no-changes")
    assert run.code == 0, run.text
    assert "serves after" not in run.text
    assert "addresses" not in run.text


def test_an_ingress_without_a_class_or_with_a_missing_one_is_a_warning(first: Run, blog: Deployed) -> None:
    assert f"The Ingress of http://{ON_CLUSTER}/ names no class and the cluster has no default one" in first.stdout

    def choose(name: str | None) -> None:
        blog.edit(lambda config: config["gitlab-deploy:kubernetes"].update({"ingressClass": name} if name else {}))

    choose("nginx")
    try:
        warned = blog.project.pulumi("preview")
    finally:
        blog.edit(lambda config: config["gitlab-deploy:kubernetes"].pop("ingressClass"))
    assert warned.code == 0, warned.text
    assert "IngressClass nginx, which kubernetes.ingressClass names, does not exist, and until it does" in warned.text


def test_status_shows_since_when_it_runs_and_writes_a_page(blog: Deployed, tmp_path: Path) -> None:
    page = tmp_path / "public" / "index.html"
    authority = str(blog.instance.docker.certificate.authority)
    run = ops(blog.project, "status", "--json", "--drift", "--html", str(page), SITE_CA_FILE=authority)
    (status,) = json.loads(run.stdout[: run.stdout.rindex("]") + 1])
    assert status["since"]
    assert status["deployments"][0]["image"] == f"{REPOSITORY}:1.0.0"
    assert status["drift"] == {"passed": True, "text": "no drift"}
    assert {check["text"] for check in status["checks"] if check["passed"] is False} == set(), run.text
    assert any(item["name"].startswith("GitLab token") for item in status["credentials"])
    text = page.read_text()
    assert f"https://{HOST}/" in text
    for secret in (blog.token(), blog.project.environment["GITLAB_TOKEN"]):
        assert not leaks(secret, text)
        assert not leaks(secret, run.text)


def test_doctor_looks_at_both_targets(blog: Deployed) -> None:
    run = ops(blog.project, "doctor", "--stack", "sandbox")
    assert run.code == 0, run.text
    lines = run.stdout.splitlines()
    for text in ("plugin docker ", "the cluster at https://", "the Docker host ssh://", "a reverse proxy answers at "):
        assert [line for line in lines if line.startswith(f"ok    {text}")], run.stdout
    # Of the sandbox's registry, which this machine does not know by its name.
    assert [line for line in lines if line.startswith("note  whether the pull secret ")], run.stdout


def test_a_shell_acts_on_the_namespace_and_the_docker_host(
    blog: Deployed, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    short = {"XDG_RUNTIME_DIR": str(tmp_path)}

    def shell(*command: str) -> Any:
        done = ops(blog.project, "shell", "sandbox", "--", *command, **short)
        assert done.code == 0, done.text
        return done.stdout.split()

    pods = shell("kubectl", "get", "pods", "--output", "name")
    assert len(pods) == 2
    assert all(name.startswith("pod/web-") for name in pods)
    assert shell("docker", "ps", "--format", "{{.Names}}", "--filter", "label=gitlab-deploy.stack") == [
        blog.output("dockerHost")["container"]
    ]
    version = ("wget", "-q", "-O", "-", "http://127.0.0.1:8080/version.txt")
    assert shell("docker", "exec", blog.output("dockerHost")["container"], *version) == ["1.0.0"]
    typed = Terminal(
        folder=blog.project.folder,
        environment=blog.project.environment | short | {"PYTHONPATH": str(ROOT), "SHELL": "/bin/sh"},
        kept=tmp_path_factory.mktemp("typed") / "kept",
    )
    (block,) = [block for block in blocks("docs/operations.md") if block.section == "A shell on a stack"]
    shown = typed.play(block, {"shell prod": "shell sandbox"}).stdout
    assert "stack sandbox: kubectl acts in namespace " in shown
    assert all(name.removeprefix("pod/") in shown for name in pods)
    assert list(tmp_path.iterdir()) == []
