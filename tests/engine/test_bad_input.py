from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.answering import answering
from tests.support.project import Project

GOOD: dict[str, Any] = {
    "cluster": "production",
    "gitlabUrl": "https://gitlab.invalid",
    "gitlabProject": "group/blog",
    "image": "registry.example.com/group/blog:1.0.0",
    "access": {"namespace": "example", "serviceAccount": "sa", "server": "https://kube.example.com"},
    "app": {"port": 8080},
    "kubernetes": {},
}


@pytest.fixture
def project(tmp_path: Path, engine: dict[str, str]) -> Project:
    """A stack with nothing in it, and a kubeconfig that leads nowhere."""
    folder = tmp_path / "project"
    folder.mkdir()
    state = tmp_path / "state"
    state.mkdir()
    environment = engine | {
        "PULUMI_BACKEND_URL": state.as_uri(),
        "KUBECONFIG": str(tmp_path / "kubeconfig"),
        "GITLAB_TOKEN": "glpat-canary",
    }
    made = Project(folder, environment)
    made.init()
    return made


def point_at(project: Project, server: str) -> None:
    contexts = [{"name": "c", "context": {"cluster": "c", "user": "u"}}]
    clusters = [{"name": "c", "cluster": {"server": server}}]
    config = {"current-context": "c", "contexts": contexts, "clusters": clusters}
    config |= {"users": [{"name": "u", "user": {"token": "none"}}]}
    Path(project.environment["KUBECONFIG"]).write_text(yaml.safe_dump(config))


@pytest.mark.parametrize("command", [("preview",), ("up", "--yes"), ("up", "--yes", "--skip-preview")])
def test_every_problem_of_a_stack_file_is_shown_at_once_and_nothing_is_touched(
    project: Project, command: tuple[str, ...]
) -> None:
    project.configure(
        GOOD
        | {
            "imgae": "x",
            "image": "Blog:1",
            "gitlabToken": "glpat-canary",
            "app": {"port": 99999},
            "kubernetes": {"replicas": "two"},
            "access": {"namespace": "Example", "serviceAccount": "sa"},
        }
    )
    before = project.export()
    run = project.pulumi(*command)
    assert run.code != 0
    for expected in (
        "Pulumi.test.yaml has 7 problems; nothing was changed:",
        "gitlab-deploy:imgae is not a known key; did you mean 'image'?",
        "gitlab-deploy:image: 'Blog:1' is not an image reference; use REGISTRY/REPOSITORY:TAG",
        "gitlab-deploy:gitlabToken is in plain text; revoke that secret",
        "gitlab-deploy:app.port: 99999 is out of range; use a whole number from 1 to 65535",
        "gitlab-deploy:kubernetes.replicas: 'two' is of the wrong type; use a whole number",
        "gitlab-deploy:access.namespace: 'Example' is not a DNS label",
        "gitlab-deploy:access.server is missing; use text",
    ):
        assert expected in run.text
    assert "Traceback" not in run.text
    assert "glpat-canary" not in run.text
    assert resources(project.export()) == resources(before)


def test_a_block_where_a_text_is_wanted_is_one_sentence(project: Project) -> None:
    project.configure(GOOD | {"image": {"tag": "1.0.0"}})
    run = project.pulumi("preview")
    assert run.code != 0
    assert "configuration key 'image' must be of type 'string'" in run.text
    assert "Traceback" not in run.text


@pytest.mark.parametrize("command", [("preview",), ("up", "--yes", "--skip-preview")])
def test_unreachable_servers_are_named_and_nothing_is_touched(project: Project, command: tuple[str, ...]) -> None:
    point_at(project, "https://127.0.0.1:9")
    before = project.export()
    project.configure(GOOD)
    run = project.pulumi(*command)
    assert run.code != 0
    assert "The Kubernetes API server https://127.0.0.1:9 does not answer (Connection refused)" in run.text
    assert "GitLab at https://gitlab.invalid does not answer" in run.text
    assert "Traceback" not in run.text
    assert resources(project.export()) == resources(before)


def test_unreachable_gitlab_alone_is_enough_to_stop(project: Project) -> None:
    project.configure(GOOD)
    with answering(403) as server:
        point_at(project, server)
        run = project.pulumi("preview")
    assert run.code != 0
    assert "Nothing was changed:" in run.text
    assert "GitLab at https://gitlab.invalid does not answer" in run.text
    assert server not in run.text


def resources(export: str) -> Any:
    """What the state says of resources; the stack itself and the engine's own provider, in every run, are left out."""
    deployment = yaml.safe_load(export)["deployment"]
    engine = ("pulumi:pulumi:Stack", "pulumi:providers:pulumi")
    return [item for item in deployment.get("resources", []) if item["type"] not in engine]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ("OLDEST = (3, 99)", "gitlab-deploy needs Python 3.11 or newer"),
        ('PACKAGES = ("no_such_package",)', "has no package no_such_package, which requirements.txt names"),
    ],
)
def test_a_python_that_cannot_run_the_program_is_one_sentence(project: Project, change: str, sentence: str) -> None:
    file = project.folder / "components" / "prerequisites.py"
    name = change.partition(" =")[0]
    file.write_text(
        "\n".join(change if line.startswith(f"{name} =") else line for line in file.read_text().split("\n"))
    )
    project.configure(GOOD)
    run = project.pulumi("preview")
    assert run.code != 0
    assert sentence in run.text
    assert "Traceback" not in run.text


def test_a_pulumi_that_is_too_old_is_refused_by_the_project_file(project: Project) -> None:
    file = project.folder / "Pulumi.yaml"
    text = file.read_text()
    assert 'requiredPulumiVersion: ">=3' in text
    file.write_text(text.replace('requiredPulumiVersion: ">=3', 'requiredPulumiVersion: ">=99'))
    project.configure(GOOD)
    run = project.pulumi("preview")
    assert run.code != 0
    assert "does not satisfy the version range" in run.text


def test_a_project_that_is_renamed_is_one_sentence(project: Project) -> None:
    file = project.folder / "Pulumi.yaml"
    file.write_text(file.read_text().replace("name: gitlab-deploy\n", "name: shop\n"))
    project.init()
    project.configure(GOOD)
    run = project.pulumi("preview")
    assert run.code != 0
    assert "Pulumi.yaml: name is shop, and every key is of gitlab-deploy; name it gitlab-deploy again" in run.text
    assert "shop:" not in run.text
    assert "Traceback" not in run.text
