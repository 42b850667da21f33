from pathlib import Path
from typing import Any

import pulumi
import pytest

from tests.support.main_program import every_block, run_program
from tests.support.project import ROOT

FILES = {
    "manifests": ["examples/two-services/kubernetes/*.yml"],
    "secrets": {"database/password": {"secure": "canary"}},
}


@pytest.fixture(autouse=True)
def _program(monkeypatch: pytest.MonkeyPatch) -> None:
    """The program's folder is the repository."""
    monkeypatch.setattr(pulumi, "get_root_directory", lambda: str(ROOT))
    monkeypatch.delenv("GITLAB_DEPLOY_FILES", raising=False)


@pytest.mark.parametrize("named", ["examples/two-services/kubernetes/*.yml", "examples/two-services/kubernetes/"])
def test_program_declares_the_files_in_place_of_the_objects_of_the_block(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, named: str
) -> None:
    run = run_program(monkeypatch, tmp_path, "app", "dockerHost", kubernetes=FILES | {"manifests": [named]})
    made = {(d.type.removeprefix("kubernetes:"), d.name) for d in run.declarations if d.parent == "manifests"}
    assert made == {
        ("apps/v1:Deployment", "web"),
        ("apps/v1:Deployment", "worker"),
        ("batch/v1:Job", "migrate"),
        ("core/v1:ConfigMap", "settings"),
        ("core/v1:Secret", "database"),
        ("core/v1:Service", "web"),
        ("networking.k8s.io/v1:Ingress", "web"),
    }
    image = every_block()["gitlab-deploy:image"]
    assert {d.provider for d in run.declarations if d.parent == "manifests"} == {"cluster"}
    web = run.one("kubernetes:apps/v1:Deployment", "web").inputs["spec"]["template"]["spec"]
    assert (web["containers"][0]["image"], web["imagePullSecrets"]) == (image, [{"name": "gitlab-registry-test"}])
    assert not [d for d in run.declarations if d.type == "gitlab-deploy:index:KubernetesApp"]


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        (
            {"kubernetes": {"manifests": ["examples/none/*.yml"]}},
            r"kubernetes\.manifests names 'examples/none/\*\.yml', ",
        ),
        ({"kubernetes": FILES, "filesFrom": "application"}, "GITLAB_DEPLOY_FILES does not say where the application's"),
        (
            {"kubernetes": FILES | {"secrets": {"gitlab-registry-test/x": {"secure": "canary"}}}},
            "two objects of this stack are Secret gitlab-registry-test",
        ),
    ],
)
def test_what_cannot_be_read_ends_the_run_before_anything_is_declared(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, keys: dict[str, Any], expected: str
) -> None:
    with pytest.raises(
        pulumi.RunError, match=f"(?s)The manifests have 1 problem; nothing was changed:\n  .*{expected}"
    ):
        run_program(monkeypatch, tmp_path, "app", "dockerHost", **keys)
