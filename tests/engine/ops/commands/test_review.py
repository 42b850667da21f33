"""`python -m ops review` on what the real engine prints, with GitLab played by the double."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.gitlab_double import GitLabDouble
from tests.support.project import ROOT, Project, Run, leaks

CANARY = "canary-5uVw9Qz7"
HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIN1TP8Zk3fIPC98LZDnN3wH4hrQAwW1FW7pZb4FaV/b1"
DOCKER = {
    # Nothing answers there: a preview does without.
    "address": "ssh://deploy@127.0.0.1:9",
    "hostKey": HOST_KEY,
    "host": "blog.example.org",
}
APP = {"port": 8080, "health": {"command": ["true"]}, "env": {"PLAIN": CANARY}}


@pytest.fixture
def project(tmp_path: Path, engine: dict[str, str], gitlab_double: GitLabDouble) -> Project:
    """A stack with nothing in it, of a deploy token in GitLab."""
    folder, state = tmp_path / "project", tmp_path / "state"
    folder.mkdir()
    state.mkdir()
    environment = engine | {"PULUMI_BACKEND_URL": state.as_uri(), "GITLAB_TOKEN": gitlab_double.token}
    made = Project(folder, environment, stack="prod")
    made.init()
    return made


def configure(project: Project, gitlab_double: GitLabDouble, **more: Any) -> None:
    registry = {"server": "registry.example.com", "rotation": "1"}
    project.configure({"gitlabUrl": gitlab_double.url, "gitlabProject": "group/blog", "registry": registry, **more})


def review(project: Project, code: int = 0) -> tuple[Run, dict[str, Any], list[Any]]:
    """The preview of the stack as a merge request's job makes and shows it: what was printed, and both reports."""
    preview = project.pulumi("preview", "--json")
    assert preview.code == code, preview.text
    (project.folder / "prod.json").write_text(preview.stdout)
    reports = ("--terraform-report", "tf.json", "--code-quality", "cq.json")
    run = project.run("python", "-m", "ops", "review", *reports, "prod=prod.json", PYTHONPATH=str(ROOT))
    assert run.code == bool(code), run.text
    read = [json.loads((project.folder / name).read_text()) for name in ("tf.json", "cq.json")]
    return run, read[0], read[1]


def test_a_stack_is_reviewed_from_its_first_preview_to_a_rotation(
    project: Project, gitlab_double: GitLabDouble
) -> None:
    configure(project, gitlab_double)
    run, report, findings = review(project)
    assert report == {"create": 3, "update": 0, "delete": 0}
    assert findings == []
    assert run.stdout.startswith("prod: 3 to create\n")
    assert "  +  create ProjectDeployToken registry-token\n       + name: gitlab-deploy-prod-1\n" in run.stdout
    up = project.pulumi("up", "--yes", "--skip-preview")
    assert up.code == 0, up.text
    run, report, findings = review(project)
    assert report == {"create": 0, "update": 0, "delete": 0}
    assert run.stdout.startswith("prod: no changes\n")
    configure(project, gitlab_double, registry={"server": "registry.example.com", "rotation": "2"})
    run, report, findings = review(project)
    assert report == {"create": 1, "update": 0, "delete": 1}
    assert run.stdout.splitlines()[:4] == [
        "prod: 1 to replace",
        "  DESTRUCTIVE: replaces ProjectDeployToken registry-token",
        "  +- replace ProjectDeployToken registry-token",
        "       ~ name: gitlab-deploy-prod-1 -> gitlab-deploy-prod-2 (replaces the resource)",
    ]
    assert "gldt-" not in run.text


def test_no_secret_of_a_stack_is_shown_and_an_unreachable_docker_host_is_a_finding(
    project: Project, gitlab_double: GitLabDouble
) -> None:
    configure(project, gitlab_double, image="registry.example.com/group/blog:1.0.0", app=APP, dockerHost=DOCKER)
    run, report, findings = review(project)
    assert report["create"] == 6
    assert "  image none -> registry.example.com/group/blog:1.0.0\n" in run.stdout
    assert "       + envs: [secret]\n" in run.stdout
    (finding,) = findings
    assert "127.0.0.1" in finding["description"]
    assert (finding["severity"], finding["location"]["path"]) == ("minor", "Pulumi.prod.yaml")
    everything = "\n".join((run.text, json.dumps(report), json.dumps(findings)))
    assert not [secret for secret in (CANARY, gitlab_double.token) if leaks(secret, everything)]


def test_a_broken_stack_file_is_a_failed_review_with_a_finding_at_the_line(
    project: Project, gitlab_double: GitLabDouble
) -> None:
    configure(project, gitlab_double, imgae="x", app={"port": 99999})
    run, report, findings = review(project, code=1)
    assert run.stdout.startswith("prod: the preview of prod failed\n")
    assert report == {"error": "the preview of prod failed"}
    lines = (project.folder / "Pulumi.prod.yaml").read_text().splitlines()
    at = {item["description"].split()[0].rstrip(":"): item["location"]["lines"]["begin"] for item in findings}
    assert lines[at["gitlab-deploy:imgae"] - 1] == "  gitlab-deploy:imgae: x"
    assert lines[at["gitlab-deploy:app.port"] - 1] == "    port: 99999"


def test_a_stack_that_is_not_there_is_a_failed_review(project: Project) -> None:
    project.stack = "other"
    run, _, findings = review(project, code=6)
    assert "  the plan file is empty\n" in run.stdout
    assert findings[0]["description"] == "The preview of prod failed: the plan file is empty"
