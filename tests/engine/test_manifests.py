"""Manifests through the real engine and provider, with no cluster: what a preview shows, and what it refuses."""

import json
from pathlib import Path

import pytest

from tests.support.project import Project

SITE = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: IMAGE, envFrom: [{secretRef: {name: database}}]}]}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
---
apiVersion: cert-manager.io/v1
kind: Certificate
metadata: {name: web}
spec: {secretName: web-tls}
---
apiVersion: batch/v1
kind: Job
metadata: {name: migrate}
spec: {template: {spec: {restartPolicy: Never, containers: [{name: migrate, image: IMAGE}]}}}
"""


@pytest.fixture
def project(tmp_path: Path, engine: dict[str, str]) -> Project:
    folder, state, files = (tmp_path / name for name in ("project", "state", "files"))
    for each in (folder, state, files):
        each.mkdir()
    offline = {"GITLAB_DEPLOY_OFFLINE": "1", "GITLAB_TOKEN": "none", "GITLAB_DEPLOY_FILES": str(files)}
    made = Project(folder, engine | {"PULUMI_BACKEND_URL": state.as_uri()} | offline)
    kubernetes = {"namespace": "example", "manifests": ["*.yml"]}
    image = "registry.example.com/group/blog:1.0.0"
    made.configure({"cluster": "c", "image": image, "kubernetes": kubernetes, "filesFrom": "application"})
    made.init()
    set_secret = ("config", "set", "--secret", "--path", 'gitlab-deploy:kubernetes.secrets["database/password"]')
    assert made.pulumi(*set_secret, "canary-1").code == 0
    return made


def files(project: Project) -> Path:
    return Path(project.environment["GITLAB_DEPLOY_FILES"])


def test_preview_shows_each_object_under_its_own_kind_and_name(project: Project) -> None:
    (files(project) / "deployment.yml").write_text(SITE)
    run = project.pulumi("preview", "--json")
    assert run.code == 0, run.text
    steps = {step["urn"].split("::", 2)[2]: step for step in json.loads(run.stdout)["steps"]}
    above = "gitlab-deploy:index:Manifests$kubernetes"
    made = {name: step for name, step in steps.items() if name.startswith(above)}
    assert set(made) == {
        f"{above}:{name}"
        for name in (
            "apps/v1:Deployment::web",
            "batch/v1:Job::migrate",
            "cert-manager.io/v1:Certificate::web",
            "core/v1:Secret::database",
            "core/v1:Service::web",
        )
    }
    assert {step["newState"]["inputs"]["metadata"]["namespace"] for step in made.values()} == {"example"}
    assert "canary-1" not in run.text


def test_every_problem_of_the_files_is_reported_with_its_line_and_no_traceback(project: Project) -> None:
    (files(project) / "deployment.yml").write_text(SITE.replace("name: migrate}", "name: migrate, namespace: other}"))
    (files(project) / "namespace.yml").write_text("apiVersion: v1\nkind: Namespace\nmetadata: {name: example}\n")
    run = project.pulumi("preview")
    assert run.code != 0
    assert "The manifests have 2 problems; nothing was changed:" in run.text
    assert "deployment.yml:23 is for the namespace 'other'" in run.text
    assert "namespace.yml:2 is a Namespace" in run.text
    assert "Traceback" not in run.text
